import { useState } from "react";
import { Dialog } from "../../parts/dialog.tsx";
import { Field, TextField } from "../../parts/field.tsx";
import { kept } from "../../store.ts";
import type { ChatOptions } from "@rbee/sdk/react";

type Parameters = NonNullable<ChatOptions["parameters"]>;

/** As typed: empty means that the model's own stands. */
export interface ChatSettings {
  readonly system: string;
  readonly temperature: string;
  readonly top_p: string;
  readonly max_tokens: string;
  readonly seed: string;
  readonly schema: string;
}

const NAME = "rbee.chat.settings";
const plain: ChatSettings = { system: "", temperature: "", top_p: "", max_tokens: "", seed: "", schema: "" };

export function readSettings(): ChatSettings {
  try {
    return { ...plain, ...(JSON.parse(kept.get(NAME) ?? "{}") as Partial<ChatSettings>) };
  } catch {
    return plain;
  }
}

export function parametersOf({ schema, temperature, top_p, max_tokens, seed }: ChatSettings): Parameters {
  const filled = Object.entries({ temperature, top_p, max_tokens, seed }).filter(([, text]) => text !== "");
  const parsed = schemaIn(schema);
  return {
    ...Object.fromEntries(filled.map(([name, text]) => [name, Number(text)])),
    ...(parsed === undefined ? {} : { response_format: { type: "json_schema", schema: parsed } }),
  };
}

function schemaIn(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

interface SettingsDialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly settings: ChatSettings;
  readonly onChange: (settings: ChatSettings) => void;
}

const figures = [
  {
    name: "temperature",
    label: "Temperature",
    hint: "0 always takes the likeliest",
    placeholder: "0.8",
    step: 0.05,
    min: 0,
    max: 5,
  },
  {
    name: "top_p",
    label: "Top p",
    hint: "Share of the odds to choose from",
    placeholder: "0.95",
    step: 0.01,
    min: 0.01,
    max: 1,
  },
  {
    name: "max_tokens",
    label: "Most tokens",
    hint: "Then the answer ends",
    placeholder: "1024",
    step: 1,
    min: 1,
    max: undefined,
  },
  { name: "seed", label: "Seed", hint: "Same seed, same answer", placeholder: "any", step: 1, min: 0, max: undefined },
] as const;

export const SettingsDialog = ({ open, ...form }: SettingsDialogProps) => (
  <Dialog open={open} onClose={form.onClose} title="System prompt and parameters">
    <SettingsForm {...form} />
  </Dialog>
);

/** What was typed and not used is gone with it. */
function SettingsForm({ onClose, settings, onChange }: Omit<SettingsDialogProps, "open">) {
  const [draft, setDraft] = useState(settings);
  const set = (change: Partial<ChatSettings>): void => setDraft((before) => ({ ...before, ...change }));
  const broken = draft.schema.trim() !== "" && schemaIn(draft.schema) === undefined;
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        kept.set(NAME, JSON.stringify(draft));
        onChange(draft);
        onClose();
      }}
    >
      <AreaField
        label="System prompt"
        rows={3}
        placeholder="You are a patient teacher."
        value={draft.system}
        onChange={(system) => set({ system })}
      />
      <div className="two">
        {figures.map(({ name, label, ...rest }) => (
          <TextField
            key={name}
            type="number"
            label={label}
            value={draft[name]}
            onChange={(event) => set({ [name]: event.target.value })}
            {...rest}
          />
        ))}
      </div>
      <AreaField
        label="JSON schema"
        rows={4}
        placeholder='{"type":"object","properties":{"name":{"type":"string"}}}'
        hint={broken ? "That is not a JSON object yet." : "The answer is made to fit it; may stay empty."}
        bad={broken}
        value={draft.schema}
        onChange={(schema) => set({ schema })}
      />
      <div className="buttons">
        <button type="button" className="button" onClick={() => setDraft(plain)}>
          Reset
        </button>
        <button type="submit" className="button primary" disabled={broken}>
          Use
        </button>
      </div>
    </form>
  );
}

interface AreaFieldProps {
  readonly label: string;
  readonly rows: number;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  readonly bad?: boolean;
}

const AreaField = ({ label, hint, bad = false, onChange, ...area }: AreaFieldProps) => (
  <Field label={label} hint={hint}>
    {(ties) => (
      <textarea
        className="input mono"
        aria-invalid={bad}
        onChange={(event) => onChange(event.target.value)}
        {...ties}
        {...area}
      />
    )}
  </Field>
);
