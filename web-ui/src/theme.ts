import { kept, Store } from "./store.ts";

const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

export const THEME = "rbee.theme";
const isTheme = (text: string | undefined): text is Theme => themes.includes(text as Theme);

const chosen = kept.get(THEME);
export const theme = new Store<Theme>(isTheme(chosen) ? chosen : "system");

export function chooseTheme(next: Theme): void {
  kept.set(THEME, next === "system" ? undefined : next);
  if (next === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = next;
  theme.set(next);
}
