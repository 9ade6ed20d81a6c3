import { narrate, type HandlerEvent } from "@rbee/contracts";

/** Says what is loaded, and how far it is, until `load` is done. Only the latest step is kept for a slow listener. */
export async function* narrateLoading<T>(
  model: string,
  load: (onProgress: (progress: number) => void) => Promise<T>,
): AsyncGenerator<HandlerEvent, T, void> {
  let percent = 0;
  let news = Promise.withResolvers<void>();
  const loaded = load((progress) => {
    percent = Math.floor(progress * 100);
    news.resolve();
  });
  const done = loaded.then(
    () => true,
    () => true,
  );
  yield narrate("hive", "model_load", `Loading ${model}`);
  let said = 0;
  while (!(await Promise.race([done, news.promise.then(() => false)]))) {
    news = Promise.withResolvers<void>();
    if (percent <= said) continue;
    said = percent;
    yield { type: "progress", done: percent, total: 100, unit: "percent" };
  }
  return await loaded;
}
