import { ChartNoAxesColumn } from "lucide-react";
import { useState } from "react";
import type { OperationResult } from "@rbee/sdk";
import { Empty, Meter, PageHead, Panel, Trouble, Waiting } from "../parts/parts.tsx";
import { Segments } from "../parts/segments.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { duration, exact, short } from "../parts/words.ts";
import { useOperation } from "@rbee/sdk/react";
import "../styles/fleet.css";

type Report = OperationResult<"usage_report">;
type By = Report["by"];

const subjects: Readonly<Record<By, string>> = { model: "Model", hive: "Hive", key: "Key" };
const day_ms = 86_400_000;
const spans = { 1: "24 hours", 7: "7 days", 30: "30 days", all: "All time" } as const;
type Span = `${keyof typeof spans}`;

/** To the hour, so that the same question is asked once. */
const sinceOf = (span: Span): { from?: number } =>
  span === "all" ? {} : { from: Math.floor((Date.now() - Number(span) * day_ms) / 3_600_000) * 3_600_000 };

export default function UsagePage() {
  const [by, setBy] = useState<By>("model");
  const [span, setSpan] = useState<Span>("7");
  const { data, error } = useOperation("usage_report", { by, ...sinceOf(span) });
  return (
    <>
      <PageHead title="Usage">
        <Segments<Span> label="Period" options={spans} value={span} onChange={setSpan} />
      </PageHead>
      {error === null ? null : <Trouble error={error} />}
      <div className="stack">
        {data === undefined ? null : <Totals total={data.total} />}
        <Panel
          title="What was used"
          flush
          actions={<Segments label="What each row is about" options={subjects} value={by} onChange={setBy} />}
        >
          {data === undefined ? error === null && <Waiting lines={5} /> : <Rows report={data} />}
        </Panel>
      </div>
    </>
  );
}

function Totals({ total }: { total: Report["total"] }) {
  const tiles = {
    Jobs: exact(total.jobs),
    "Tokens read": short(total.prompt_tokens),
    "Tokens written": short(total.completion_tokens),
    "Slot time": duration(total.slot_ms),
  };
  return (
    <dl className="tiles">
      {Object.entries(tiles).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="number">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Sums = Report["total"];
type Row = Report["rows"][number];

const figures: readonly { title: string; of: (sums: Sums) => string }[] = [
  { title: "Jobs", of: ({ jobs }) => exact(jobs) },
  { title: "Failed", of: ({ failed }) => exact(failed) },
  { title: "Read", of: ({ prompt_tokens }) => short(prompt_tokens) },
  { title: "Cached", of: ({ cached_tokens }) => short(cached_tokens) },
  { title: "Written", of: ({ completion_tokens }) => short(completion_tokens) },
  { title: "Slot time", of: ({ slot_ms }) => duration(slot_ms) },
];

function Rows({ report: { by, rows, total } }: { report: Report }) {
  if (rows.length === 0)
    return (
      <Empty icon={ChartNoAxesColumn} title="Nothing was used">
        Tokens, time and jobs are counted as soon as a model answers something.
      </Empty>
    );
  const columns: readonly Column<Row>[] = [
    { title: subjects[by], kind: "name", of: ({ name }) => (name === "" ? "no hive" : name) },
    ...figures.map(({ title, of }) => ({ title, of, kind: "number" as const })),
    {
      title: "Share",
      of: ({ name, units }) => (
        <div className="slots">
          <Meter label={`Share of ${name}`} value={units} max={Math.max(total.units, 1)} tone="accent" />
          <span className="number">{total.units === 0 ? 0 : Math.round((100 * units) / total.units)} %</span>
        </div>
      ),
    },
  ];
  return <Table columns={columns} rows={rows} keyOf={({ name }) => name} />;
}
