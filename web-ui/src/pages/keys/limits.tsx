import { useState } from "react";
import type { OperationResult } from "@rbee/sdk";
import { TextField } from "../../parts/field.tsx";
import { exact, plural, short } from "../../parts/words.ts";

type ApiKey = OperationResult<"key_list">["keys"][number];
type Limits = NonNullable<ApiKey["limits"]>;
type Kind = keyof Limits;

const kinds: Readonly<Record<Kind, { readonly label: string; readonly words: (limit: number) => string }>> = {
  requests_per_minute: { label: "Jobs a minute", words: (limit) => `${plural(limit, "job")} a minute` },
  tokens_per_day: { label: "Tokens a day", words: (limit) => `${short(limit)} tokens a day` },
  concurrent: { label: "Jobs at once", words: (limit) => `${exact(limit)} at once` },
};
const names = Object.keys(kinds) as Kind[];

/** "60 jobs a minute, 1M tokens a day"; empty where nothing is limited. */
export const limitWords = ({ limits = {} }: ApiKey): string =>
  names
    .flatMap((name) => {
      const limit = limits[name];
      return limit === undefined ? [] : [kinds[name].words(limit)];
    })
    .join(", ");

/** What a key may use of the models; a field that stays empty limits nothing. */
export function useLimitFields() {
  const [typed, setTyped] = useState<Readonly<Partial<Record<Kind, string>>>>({});
  const fields = (
    <div className="three">
      {names.map((name) => (
        <TextField
          key={name}
          label={kinds[name].label}
          type="number"
          min={1}
          placeholder="no limit"
          value={typed[name] ?? ""}
          onChange={(event) => setTyped({ ...typed, [name]: event.target.value })}
        />
      ))}
    </div>
  );
  const given = Object.entries(typed).filter(([, value]) => value !== "");
  const limits: Limits = Object.fromEntries(given.map(([name, value]) => [name, Number(value)]));
  return { fields, wish: given.length === 0 ? {} : { limits } };
}
