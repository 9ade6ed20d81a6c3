import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { OperationRequest, OperationResult } from "@rbee/sdk";
import { useRbee } from "@rbee/sdk/react";
import { Dialog } from "../../parts/dialog.tsx";
import { NameField, SelectField } from "../../parts/field.tsx";
import { CodeBlock, Trouble } from "../../parts/parts.tsx";
import { useLimitFields } from "./limits.tsx";
import { Snippets } from "./snippets.tsx";

type Wanted = OperationRequest<"key_create">;
type Made = OperationResult<"key_create">;
type Scope = Made["scope"];

const scopes: Readonly<Record<Scope, string>> = {
  infer: "use models",
  operator: "run the fleet, too",
  admin: "everything, keys included",
};

const day_s = 86_400;
/** Seconds that a key is good for. */
const lifetimes = [
  { value: "", label: "Never: it is good until it is revoked" },
  { value: String(day_s), label: "In a day" },
  { value: String(7 * day_s), label: "In 7 days" },
  { value: String(30 * day_s), label: "In 30 days" },
  { value: String(90 * day_s), label: "In 90 days" },
  { value: String(365 * day_s), label: "In a year" },
] as const;

/** First what the key is for, then the key; it is never shown again. */
export function CreateKeyDialog({ onClose }: { onClose: () => void }) {
  const client = useRbee();
  const queries = useQueryClient();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: (wanted: Wanted) => client.run("key_create", wanted),
    // Not waited for: the key is there.
    onSuccess: () => void queries.invalidateQueries(),
    gcTime: 0,
  });
  if (data === undefined)
    return (
      <Dialog open onClose={onClose} title="Create an API key" stays={isPending}>
        <Wish onWish={mutate} onClose={onClose} busy={isPending} error={error} />
      </Dialog>
    );
  return (
    <Dialog open onClose={onClose} title={data.key_id} wide stays>
      <ShownOnce made={data} onClose={onClose} />
    </Dialog>
  );
}

interface WishProps {
  readonly onWish: (wanted: Wanted) => void;
  readonly onClose: () => void;
  readonly busy: boolean;
  readonly error: Error | null;
}

function Wish({ onWish, onClose, busy, error }: WishProps) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("infer");
  const [lifetime, setLifetime] = useState("");
  const { fields, wish } = useLimitFields();
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        onWish({ name, scope, ...(lifetime === "" ? {} : { expires_in: Number(lifetime) }), ...wish });
      }}
    >
      <NameField
        label="Name"
        placeholder="whose it is, or what for"
        maxLength={48}
        value={name}
        onChange={(event) => setName(event.target.value)}
        autoFocus
        required
      />
      <fieldset className="field">
        <legend>Scope</legend>
        <div className="choices">
          {(Object.keys(scopes) as Scope[]).map((one) => (
            <label key={one} className="choice">
              <input type="radio" name="scope" value={one} checked={one === scope} onChange={() => setScope(one)} />
              <span className="choice-name">{one}</span>
              <span className="muted small">{scopes[one]}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <SelectField
        label="Expires"
        value={lifetime}
        onChange={(event) => setLifetime(event.target.value)}
        options={lifetimes}
      />
      {fields}
      {error === null ? null : <Trouble error={error} />}
      <div className="buttons">
        <button type="button" className="button" onClick={onClose} disabled={busy}>
          Not now
        </button>
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? "Creating…" : "Create"}
        </button>
      </div>
    </form>
  );
}

function ShownOnce({ made: { key }, onClose }: { made: Made; onClose: () => void }) {
  return (
    <div className="stack">
      <p>Copy it now. Only its hash is kept, so that nobody can show it again.</p>
      <CodeBlock label="API key" autoFocus>
        {key}
      </CodeBlock>
      <Snippets apiKey={key} />
      <div className="buttons">
        <button type="button" className="button primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </div>
  );
}
