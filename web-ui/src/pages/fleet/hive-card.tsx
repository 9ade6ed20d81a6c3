import { useState } from "react";
import type { ActiveWorker, HiveInfo } from "@rbee/sdk";
import { Badge, Dot, Meter, type Tone } from "../../parts/parts.tsx";
import { ago, bytes, plural } from "../../parts/words.ts";
import { useNow } from "../../queen/fleet.ts";
import { HiveDetails } from "./hive-details.tsx";

type Device = HiveInfo["devices"][number];

export const stateOf = ({ connected, draining }: HiveInfo): { tone: Tone; words: string } => {
  if (!connected) return { tone: "plain", words: "Away" };
  return draining === true ? { tone: "warn", words: "Leaving" } : { tone: "good", words: "Connected" };
};

/** One machine at a glance. */
export function HiveCard({ hive, workers }: { hive: HiveInfo; workers: readonly ActiveWorker[] }) {
  const [open, setOpen] = useState(false);
  const { tone, words } = stateOf(hive);
  const own = workers.filter(({ hive_id }) => hive_id === hive.hive_id);
  return (
    <article
      className={hive.connected ? "panel hive" : "panel hive away"}
      data-hive={hive.hive_id}
      data-connected={hive.connected}
    >
      <header>
        <Dot tone={tone} />
        <h2>{hive.hive_id}</h2>
        <Badge tone={tone}>{words}</Badge>
        <div className="actions">
          <button
            type="button"
            className="button small quiet"
            aria-label={`Details of ${hive.hive_id}`}
            onClick={() => setOpen(true)}
          >
            Details
          </button>
        </div>
      </header>
      <div className="body stack tight">
        {hive.devices.map((device) => (
          <DeviceLine key={device.id} device={device} away={!hive.connected} />
        ))}
        <p className="hive-line muted small">
          <span>{plural(hive.models.filter(({ status }) => status === "ready").length, "model")}</span>
          <span>{plural(own.length, "worker")}</span>
          <span>{plural(hive.jobs_running, "job")} running</span>
          <LastSeen hive={hive} />
        </p>
      </div>
      <HiveDetails hive={hive} open={open} onClose={() => setOpen(false)} />
    </article>
  );
}

function DeviceLine({ device, away }: { device: Device; away: boolean }) {
  const { id, name, memory_total_bytes: total, memory_free_bytes: free } = device;
  const used = total - free;
  return (
    <div className="device">
      <div className="device-line">
        <span className="device-name">
          <code>{id}</code> {name}
        </span>
        <span className="muted small number">
          {bytes(free)} free of {bytes(total)}
        </span>
      </div>
      <Meter
        label={`Memory of ${id}: ${bytes(used)} used of ${bytes(total)}`}
        value={used}
        max={total}
        tone={away ? "away" : used / total > 0.92 ? "bad" : "accent"}
      />
    </div>
  );
}

function LastSeen({ hive }: { hive: HiveInfo }) {
  const now = useNow();
  return hive.connected ? <span>{hive.platform}</span> : <span>seen {ago(hive.last_seen, now)}</span>;
}
