const KIB = 1_024;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `1.5 GiB`: a size as everyone is told it, so that no two places disagree. */
export function bytesInWords(count: number): string {
  let value = count;
  let unit = 0;
  // What would be rounded to 1024 is one of the next unit.
  while (value >= KIB - 0.5 && unit < UNITS.length - 1) {
    value /= KIB;
    unit++;
  }
  const rounded = value.toFixed(1);
  return `${unit === 0 || Number(rounded) >= 10 ? Math.round(value) : rounded} ${UNITS[unit]}`;
}
