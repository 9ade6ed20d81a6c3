import { kept, Store } from "./store.ts";

const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const NAME = "rbee.theme";
const isTheme = (text: string | undefined): text is Theme => themes.includes(text as Theme);

const chosen = kept.get(NAME);
export const theme = new Store<Theme>(isTheme(chosen) ? chosen : "system");

export function chooseTheme(next: Theme): void {
  kept.set(NAME, next === "system" ? undefined : next);
  if (next === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = next;
  theme.set(next);
}
