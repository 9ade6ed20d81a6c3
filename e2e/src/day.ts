const today = (): string => new Date().toISOString().slice(0, 10);

/** Looks at the books of the day; once more, from the beginning, if the day (UTC) was over before that was done. */
export async function withinDay(look: () => Promise<void>): Promise<void> {
  const day = today();
  try {
    await look();
  } catch (error) {
    if (today() === day) throw error;
    await look();
  }
}
