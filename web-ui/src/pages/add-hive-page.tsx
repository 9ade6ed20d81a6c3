import { CircleCheck, LoaderCircle } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { useBusy } from "../parts/busy.ts";
import { NameField, TextField } from "../parts/field.tsx";
import { CodeBlock, PageHead, Panel, Trouble } from "../parts/parts.tsx";
import { duration } from "../parts/words.ts";
import { useRbee } from "@rbee/sdk/react";
import { useFleet, useNow } from "../queen/fleet.ts";
import "../styles/models.css";

interface Invitation {
  readonly install_command: string;
  readonly expires_at: number;
  readonly label: string | undefined;
  /** Hives that were connected before: another one is the new one. */
  readonly before: ReadonlySet<string>;
}

/** A machine joins: one command there, and this page sees it dial in. */
export default function AddHivePage() {
  const [invitation, setInvitation] = useState<Invitation>();
  return (
    <div className="narrow">
      <PageHead title="Add a hive" />
      {invitation === undefined ? (
        <Invite onInvite={setInvitation} />
      ) : (
        <Join invitation={invitation} onAgain={() => setInvitation(undefined)} />
      )}
    </div>
  );
}

function Invite({ onInvite }: { onInvite: (invitation: Invitation) => void }) {
  const client = useRbee();
  const { fleet } = useFleet();
  const [name, setName] = useState("");
  const [labels, setLabels] = useState("");
  const [error, setError] = useState<unknown>();
  const { busy, during } = useBusy();
  const invite = async (): Promise<void> => {
    const label = name.trim() === "" ? undefined : name.trim();
    try {
      const answer = await client.run("hive_token_create", {
        ...(label === undefined ? {} : { label }),
        labels: labels.split(/[\s,]+/).filter(Boolean),
      });
      const before = new Set(fleet?.hives.filter(({ connected }) => connected).map(({ hive_id }) => hive_id));
      onInvite({ ...answer, label, before });
    } catch (refusal) {
      setError(refusal);
    }
  };
  return (
    <Panel title="A machine of yours">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          during(invite());
        }}
      >
        <p className="muted">It dials out to this queen, from behind any router; nothing on it has to listen.</p>
        <NameField
          label="Name"
          placeholder="its host name"
          maxLength={63}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextField
          label="Labels"
          placeholder="gpu, upstairs"
          hint="Jobs may ask for hives that have them; may stay empty"
          value={labels}
          onChange={(event) => setLabels(event.target.value)}
        />
        {error === undefined ? null : <Trouble error={error} />}
        <div className="buttons">
          <button type="submit" className="button primary" disabled={busy}>
            Show the command
          </button>
        </div>
      </form>
    </Panel>
  );
}

function Join({ invitation, onAgain }: { invitation: Invitation; onAgain: () => void }) {
  const { install_command, label, before, expires_at } = invitation;
  const { fleet } = useFleet();
  const now = useNow();
  const joined = fleet?.hives.find(
    ({ hive_id, connected }) => connected && (label === undefined ? !before.has(hive_id) : hive_id === label),
  );
  if (joined !== undefined)
    return (
      <Panel title={joined.hive_id}>
        <div className="stack">
          <p className="waits" role="status">
            <CircleCheck className="joined" aria-hidden="true" />
            <span>
              <strong>{joined.hive_id}</strong> is connected, with {joined.devices.map(({ name }) => name).join(", ")}.
            </span>
          </p>
          <div className="buttons">
            <button type="button" className="button" onClick={onAgain}>
              Add another
            </button>
            <Link href="/models?tab=discover" className="button primary">
              Find it a model
            </Link>
          </div>
        </div>
      </Panel>
    );
  return (
    <Panel title="On that machine, in a clone of this project">
      <div className="stack">
        <CodeBlock label="Command">{install_command}</CodeBlock>
        <p className="waits" role="status">
          <LoaderCircle className="turns" aria-hidden="true" />
          <span>Waiting for it to dial in…</span>
        </p>
        <p className="muted small number">
          {expires_at > now
            ? `The token is good for one machine, for ${duration(expires_at - now)} more.`
            : "The token is worthless by now."}
        </p>
        <div className="buttons">
          <button type="button" className="button" onClick={onAgain}>
            Another token
          </button>
        </div>
      </div>
    </Panel>
  );
}
