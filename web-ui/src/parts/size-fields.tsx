import { useState, type ReactNode } from "react";
import { TextField } from "./field.tsx";

/** As typed; empty means that the hive chooses. */
interface Sizes {
  readonly slots: string;
  readonly context: string;
}

const CHOSEN_BY_HIVE = "automatic";

/** How many requests a worker serves at once, and how long they may be. */
export function useSizeFields(contextMost?: number): {
  readonly sizes: { readonly slots?: number; readonly context?: number };
  readonly fields: ReactNode;
} {
  const [{ slots, context }, setSizes] = useState<Sizes>({ slots: "", context: "" });
  const fields = (
    <div className="two">
      <TextField
        label="Slots"
        type="number"
        min={1}
        max={64}
        placeholder={CHOSEN_BY_HIVE}
        hint="Requests at once"
        value={slots}
        onChange={(event) => setSizes({ context, slots: event.target.value })}
      />
      <TextField
        label="Context"
        type="number"
        min={64}
        placeholder={contextMost === undefined ? CHOSEN_BY_HIVE : `up to ${contextMost}`}
        hint="Tokens per slot"
        value={context}
        onChange={(event) => setSizes({ slots, context: event.target.value })}
      />
    </div>
  );
  const sizes = {
    ...(slots === "" ? {} : { slots: Number(slots) }),
    ...(context === "" ? {} : { context: Number(context) }),
  };
  return { sizes, fields };
}
