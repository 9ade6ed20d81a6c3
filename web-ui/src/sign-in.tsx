import { JobClient } from "@rbee/sdk";
import { useState, type FormEvent } from "react";
import { Logo } from "./logo.tsx";
import { TextField } from "./parts/field.tsx";
import { Trouble } from "./parts/parts.tsx";
import { signIn } from "./session.ts";
import "./styles/sign-in.css";

/** The way in: a key that the queen (or this hive) knows. */
export function SignIn({ farewell }: { farewell: unknown }) {
  const [key, setKey] = useState("");
  const [remember, setRemember] = useState(true);
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>(farewell);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    try {
      await new JobClient({ url: location.origin, key: key.trim() }).list({ limit: 1 });
      signIn(key.trim(), remember);
    } catch (refusal) {
      setError(refusal);
      setAsking(false);
    }
  };
  return (
    <main className="sign-in">
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <div className="sign-in-head">
          <Logo />
          <h1>Sign in to rbee</h1>
          <p className="muted">All the GPUs you own, behind {location.host}</p>
        </div>
        <TextField
          label="API key"
          type="password"
          value={key}
          onChange={(event) => setKey(event.target.value)}
          placeholder="rbk_…"
          autoComplete="current-password"
          autoFocus
          required
          hint={
            <>
              <code>npm start</code> prints it, and a link that signs you in. Who runs this queen can make you one.
            </>
          }
        />
        <label className="check">
          <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.target.checked)} />
          Stay signed in on this browser
        </label>
        {error === undefined ? null : <Trouble error={error} />}
        <button type="submit" className="button primary" disabled={asking}>
          {asking ? "Asking…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
