import { MessageCircle, Play } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import { activities } from "../../activity/activities.ts";
import { useJobWatch } from "../../activity/job-watch.ts";
import { useLaunch } from "../../activity/launch.ts";
import { Work } from "../../activity/work.tsx";
import { useBusy } from "../../parts/busy.ts";
import { DevicePicker } from "../../parts/device-picker.tsx";
import { SelectField } from "../../parts/field.tsx";
import { HiveField } from "../../parts/hive-field.tsx";
import { Facts, PageHead, Panel, Trouble, Waiting } from "../../parts/parts.tsx";
import { bytes } from "../../parts/words.ts";
import { useOperation } from "@rbee/sdk/react";
import { useConnectedHives } from "../../queen/fleet.ts";
import { useStore } from "../../store.ts";
import type { FoundModel } from "./discover.tsx";
import { usualQuant } from "./quants.ts";
import "../../styles/models.css";

/** What a link to a model opens. Nothing happens before somebody says so here. */
export default function RunPage({ model }: { model: string }) {
  const { data, error } = useOperation("model_search", { query: model, limit: 20 });
  const found = data?.models.find(({ id }) => id.toLowerCase() === model.toLowerCase());
  return (
    <div className="narrow">
      <PageHead title={`Run ${model}?`} />
      {error === null ? null : <Trouble error={error} />}
      {data === undefined && error === null ? <Waiting lines={6} /> : null}
      {data === undefined ? null : <Ask id={found?.id ?? model} found={found} />}
    </div>
  );
}

function Ask({ id, found }: { id: string; found: FoundModel | undefined }) {
  const launch = useLaunch();
  const { busy, during } = useBusy();
  const hives = useConnectedHives();
  const [search] = useSearchParams();
  // A link may name one.
  const named = search.get("quant") ?? "";
  const [quant, setQuant] = useState(() =>
    found === undefined
      ? named
      : (found.quants.find((one) => one.toUpperCase() === named.toUpperCase()) ?? usualQuant(found.quants)),
  );
  const [hive_id, setHive] = useState("auto");
  const [device, setDevice] = useState("auto");
  const [job, setJob] = useState<string>();
  const source = quant === "" ? id : `${id}:${quant}`;
  if (job !== undefined) return <Running job_id={job} model={source} onRetry={setJob} />;
  const run = async (): Promise<void> =>
    setJob(await launch(`Run ${source}`, "model_run", { model: source, hive_id, device }));
  return (
    <Panel title="What would happen">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          during(run());
        }}
      >
        <p className="muted">
          The model is fetched to a machine of yours, unless it is there, and loaded into memory. Nothing has started
          yet.
        </p>
        <About id={id} found={found} quant={quant} />
        {found === undefined ? null : (
          <SelectField
            label="Quantisation"
            value={quant}
            onChange={(event) => setQuant(event.target.value)}
            options={found.quants.map((one) => ({ value: one, label: one }))}
          />
        )}
        <HiveField
          hives={hives}
          auto
          fits={found?.fits ?? []}
          value={hive_id}
          onChange={(next) => {
            setHive(next);
            setDevice("auto");
          }}
        />
        {hive_id === "auto" ? null : (
          <DevicePicker hive={hives.find((hive) => hive.hive_id === hive_id)} value={device} onChange={setDevice} />
        )}
        <div className="buttons">
          <Link href="/models" className="button">
            Not now
          </Link>
          <button type="submit" className="button primary" disabled={busy}>
            <Play aria-hidden="true" />
            Run
          </button>
        </div>
      </form>
    </Panel>
  );
}

const About = ({ id, found, quant }: { id: string; found: FoundModel | undefined; quant: string }) => (
  <Facts
    rows={{
      Source: found?.url ?? `${id}, on the hub of the hive`,
      Quantisation: found === undefined ? quant : undefined,
      Size: found?.sizes[quant] === undefined ? "unknown" : bytes(found.sizes[quant]),
      Licence: found?.licence ?? "unknown; see its page on the hub",
      Access: found?.gated === true ? "gated: the hive needs a token of yours in HF_TOKEN" : undefined,
      "Fits on":
        found === undefined
          ? "the hub does not list it: it may be private, or not come as GGUF"
          : found.fits.join(", ") || "no hive's memory, as far as is known",
    }}
  />
);

function Running({ job_id, model, onRetry }: { job_id: string; model: string; onRetry: (job_id: string) => void }) {
  const activity = useStore(activities).find((one) => one.job_id === job_id);
  const { status, messages } = useJobWatch(job_id);
  return (
    <Panel title={model}>
      <div className="stack">
        {activity === undefined ? null : <Work activity={activity} onRetry={onRetry} />}
        <ol className="narration" aria-label="What happens">
          {messages.map(({ number, human }) => (
            <li key={number}>{human}</li>
          ))}
        </ol>
        {status === "succeeded" ? (
          <Link href={`/chat?model=${encodeURIComponent(model)}`} className="button primary">
            <MessageCircle aria-hidden="true" />
            Chat with it
          </Link>
        ) : null}
      </div>
    </Panel>
  );
}
