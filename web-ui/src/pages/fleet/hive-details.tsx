import { CircleCheck, CircleX, RotateCw, Stethoscope } from "lucide-react";
import { useState, type ReactNode } from "react";
import type { Check, HiveInfo } from "@rbee/sdk";
import { useAct } from "../../activity/launch.ts";
import { useBusy } from "../../parts/busy.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Facts, Trouble } from "../../parts/parts.tsx";
import { ago, moment } from "../../parts/words.ts";
import { useRbee } from "@rbee/sdk/react";

/** All that a hive says of itself, and the two things one may ask it. */
export function HiveDetails({ hive, open, onClose }: { hive: HiveInfo; open: boolean; onClose: () => void }) {
  const act = useAct();
  const { busy, during } = useBusy();
  return (
    <Dialog open={open} onClose={onClose} title={hive.hive_id} wide>
      <div className="stack">
        <Facts
          rows={{
            State: hive.connected ? "connected" : `away, seen ${ago(hive.last_seen, Date.now())}`,
            Joined: hive.enrolled_at === 0 ? undefined : moment(hive.enrolled_at),
            Labels: hive.labels?.join(", "),
            Version: hive.version,
            Platform: hive.platform,
            Devices: hive.devices
              .map(({ id, name, driver }) => `${id} ${name}${driver === undefined ? "" : `, driver ${driver}`}`)
              .join("; "),
            Models: hive.models.map(({ id }) => id).join(", "),
          }}
        />
        {hive.connected ? (
          <SelfTest hive_id={hive.hive_id}>
            <button
              type="button"
              className="button"
              disabled={busy}
              onClick={() =>
                during(act("Devices looked at again", "hive_refresh_capabilities", { hive_id: hive.hive_id }))
              }
            >
              <RotateCw aria-hidden="true" />
              Look at the devices again
            </button>
          </SelfTest>
        ) : (
          <p className="muted">
            It comes back by itself when its agent runs: <code>npm run hive</code> on that machine.
          </p>
        )}
      </div>
    </Dialog>
  );
}

/** The button, beside others, and below them what came of it. */
function SelfTest({ hive_id, children }: { hive_id: string; children: ReactNode }) {
  const client = useRbee();
  const [checks, setChecks] = useState<readonly Check[]>();
  const [error, setError] = useState<unknown>();
  const { busy, during } = useBusy();
  const ask = async (): Promise<void> => {
    setError(undefined);
    try {
      setChecks((await client.run("hive_check", { hive_id })).checks);
    } catch (refusal) {
      setError(refusal);
    }
  };
  return (
    <div className="stack">
      <div className="row">
        {children}
        <button type="button" className="button" disabled={busy} onClick={() => during(ask())}>
          <Stethoscope aria-hidden="true" />
          {busy ? "Testing…" : "Let it test itself"}
        </button>
      </div>
      {error === undefined ? null : <Trouble error={error} />}
      {checks === undefined ? null : <Checks checks={checks} />}
    </div>
  );
}

export const Checks = ({ checks }: { checks: readonly Check[] }) => (
  <ul className="checks">
    {checks.map(({ name, ok, detail }) => (
      <li key={name} className={ok ? "ok" : "not-ok"}>
        {ok ? <CircleCheck aria-label="good" /> : <CircleX aria-label="not good" />}
        <span className="name">{name}</span>
        <span className="muted">{detail}</span>
      </li>
    ))}
  </ul>
);
