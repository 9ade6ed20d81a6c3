import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import type { OperationResult } from "@rbee/sdk";
import { useOperation } from "@rbee/sdk/react";
import { useAct } from "../../activity/launch.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { Badge, Empty, PageHead, Panel, Trouble, troubleOf, Waiting } from "../../parts/parts.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { ago, day, hour_ms, short } from "../../parts/words.ts";
import { useNow } from "../../queen/fleet.ts";
import { CreateKeyDialog } from "./create-key-dialog.tsx";
import { limitWords } from "./limits.tsx";

type ApiKey = OperationResult<"key_list">["keys"][number];

/** Who may use the queen besides her owner: a key for each program and person. */
export default function KeysPage() {
  const [creating, setCreating] = useState(false);
  const { data, error } = useOperation("key_list", {});
  return (
    <>
      <PageHead title="API keys">
        {data === undefined ? null : (
          <button type="button" className="button primary" onClick={() => setCreating(true)}>
            <Plus aria-hidden="true" />
            Create a key
          </button>
        )}
      </PageHead>
      {data === undefined && error !== null ? (
        <NotHere error={error} />
      ) : (
        <>
          {error === null ? null : <Trouble error={error} />}
          <Panel title="Programs and people" note="besides the owner's own key" flush>
            {data === undefined ? <Waiting /> : <Keys keys={data.keys} />}
          </Panel>
        </>
      )}
      {creating ? <CreateKeyDialog onClose={() => setCreating(false)} /> : null}
    </>
  );
}

/** Nothing went wrong where the key is not an admin's, or where a hive shows itself. */
function NotHere({ error }: { error: Error }) {
  const { code } = troubleOf(error);
  if (code === "forbidden")
    return (
      <Empty icon={KeyRound} title="Only admins see the keys" to={{ href: "/settings", words: "To the settings" }}>
        The key you signed in with may not see or make others. Sign in with the owner's key or one of scope admin, or
        ask who runs this queen.
      </Empty>
    );
  if (code === "unsupported")
    return (
      <Empty icon={KeyRound} title="The queen keeps the keys">
        This page is a hive's own, and it has one key. Those of programs and people are on the queen's page.
      </Empty>
    );
  return <Trouble error={error} />;
}

function Keys({ keys }: { keys: readonly ApiKey[] }) {
  const now = useNow();
  const act = useAct();
  const [revoking, setRevoking] = useState<string>();
  if (keys.length === 0)
    return (
      <Empty icon={KeyRound} title="Only the owner's key so far">
        Give each program and person a key of their own: it may do no more than they need, usage is told by key, and one
        can be revoked without the others.
      </Empty>
    );
  const columns: readonly Column<ApiKey>[] = [
    { title: "Key", kind: "name", of: ({ key_id }) => key_id },
    { title: "Created", kind: "time", of: ({ created_at }) => ago(created_at, now) },
    { title: "Last used", kind: "time", of: ({ last_used }) => lastUse(last_used, now) },
    { title: "Expires", kind: "time", of: ({ expires_at }) => (expires_at === undefined ? "never" : day(expires_at)) },
    { title: "Tokens today", kind: "number", of: ({ today }) => short(today.tokens) },
    { title: "Limits", of: (key) => limitWords(key) },
    {
      title: "Scope",
      kind: "state",
      of: ({ scope }) => <Badge tone={scope === "admin" ? "warn" : "plain"}>{scope}</Badge>,
    },
    {
      title: "Actions",
      kind: "actions",
      of: ({ key_id }) => (
        <button
          type="button"
          className="button small"
          aria-label={`Revoke ${key_id}`}
          onClick={() => setRevoking(key_id)}
        >
          Revoke
        </button>
      ),
    },
  ];
  return (
    <>
      <Table
        columns={columns}
        rows={keys}
        keyOf={({ key_id }) => key_id}
        row={({ key_id }) => ({ "data-key": key_id })}
      />
      {revoking === undefined ? null : (
        <Confirm
          open
          onClose={() => setRevoking(undefined)}
          title={`Revoke ${revoking}?`}
          action="Revoke"
          onConfirm={() => void act(`${revoking} revoked`, "key_revoke", { key_id: revoking })}
        >
          <p>
            Whoever uses it is refused within a second, a browser signed in with it too. Its streams and its requests of
            other APIs end; jobs that it submitted to /v1/jobs go on.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** The queen writes it down once an hour. */
function lastUse(last_used: number | undefined, now: number): string {
  if (last_used === undefined) return "not yet";
  return now - last_used < hour_ms ? "within the hour" : ago(last_used, now);
}
