import { Plus, Server } from "lucide-react";
import { lazy, Suspense } from "react";
import { Link } from "wouter";
import { Empty, PageHead, Panel } from "../../parts/parts.tsx";
import { duration, perSecond } from "../../parts/words.ts";
import { useFigures, window_s } from "../../queen/figures.ts";
import { useFleet, type Fleet } from "../../queen/fleet.ts";
import { NoFleet } from "../../queen/no-fleet.tsx";
import { HiveCard } from "./hive-card.tsx";
import { WorkersTable } from "../workers/workers-table.tsx";
import "../../styles/fleet.css";

const Chart = lazy(() => import("../../parts/chart.tsx"));

export default function FleetPage() {
  const { fleet } = useFleet();
  if (fleet === undefined)
    return (
      <>
        <PageHead title="Fleet" />
        <NoFleet lines={8} />
      </>
    );
  return (
    <>
      <PageHead title="Fleet">
        <Link href="/add" className="button">
          <Plus aria-hidden="true" />
          Add a hive
        </Link>
      </PageHead>
      {fleet.hives.length === 0 ? <NoHives /> : <Whole fleet={fleet} />}
    </>
  );
}

const NoHives = () => (
  <Panel title="Hives" flush>
    <Empty icon={Server} title="No hive yet" to={{ href: "/add", words: "Add the first hive", primary: true }}>
      A hive is a machine of yours with a GPU, or without one. It dials out to this queen; nothing on it has to listen.
    </Empty>
  </Panel>
);

const Whole = ({ fleet }: { fleet: Fleet }) => (
  <div className="stack">
    <Tiles fleet={fleet} />
    {fleet.totals === undefined ? null : <Charts />}
    <section className="hives" aria-label="Hives">
      {fleet.hives.map((hive) => (
        <HiveCard key={hive.hive_id} hive={hive} workers={fleet.workers} />
      ))}
    </section>
    <Panel title="Workers" flush note={`${fleet.workers.length} running`}>
      <WorkersTable workers={fleet.workers} />
    </Panel>
  </div>
);

function Tiles({ fleet: { hives, workers, queue } }: { fleet: Fleet }) {
  const ready = workers.filter(({ state }) => state === "ready");
  const connected = hives.filter(({ connected }) => connected).length;
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const tiles = [
    { name: "Hives connected", value: String(connected), of: hives.length },
    {
      name: "Slots busy",
      value: String(sum(ready.map(({ slots_busy }) => slots_busy))),
      of: sum(ready.map(({ slots }) => slots)),
    },
    { name: "Jobs running", value: String(queue.running) },
    { name: "Jobs waiting", value: String(queue.queued) },
  ];
  return (
    <dl className="tiles">
      {tiles.map(({ name, value, of }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="number">
            {value}
            {of === undefined ? null : <span className="muted"> / {of}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const seconds = (value: number): string => duration(value * 1_000);

function Charts() {
  const figures = useFigures();
  const at = figures.map((figure) => figure.at);
  const speed = figures.map(({ tokens_per_s }) => tokens_per_s);
  const ttft = figures.map(({ ttft_s }) => ttft_s);
  const lastTtft = ttft.findLast((value) => value !== null);
  const charts = [
    {
      title: "Tokens per second",
      note: "as answers end",
      values: speed,
      now: perSecond(speed.at(-1) ?? 0),
      format: perSecond,
    },
    {
      title: "Time to first token",
      note: "loading and waiting included",
      values: ttft,
      now: lastTtft == null ? "no answer yet" : seconds(lastTtft),
      format: seconds,
    },
  ];
  return (
    <div className="charts">
      {charts.map(({ title, note, values, now, format }) => (
        <Panel key={title} title={title} note={note} actions={<strong className="number">{now}</strong>}>
          <Suspense fallback={<div className="chart-room" />}>
            <Chart label={`${title}: now ${now}`} series={{ at, values }} format={format} window_s={window_s} />
          </Suspense>
        </Panel>
      ))}
    </div>
  );
}
