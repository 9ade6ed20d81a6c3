import { ChartNoAxesColumn } from "lucide-react";
import { useState } from "react";
import type { OperationResult } from "@rbee/sdk";
import { Empty, Meter, PageHead, Panel, Trouble, Waiting } from "../parts/parts.tsx";
import { duration, exact, short } from "../parts/words.ts";
import { useOperation } from "@rbee/sdk/react";
import "../styles/fleet.css";

type Report = OperationResult<"usage_report">;
type By = Report["by"];

const subjects: Readonly<Record<By, string>> = { model: "Model", hive: "Hive", key: "Key" };
const day_ms = 86_400_000;
const spans = [
  { title: "Today", ms: day_ms },
  { title: "7 days", ms: 7 * day_ms },
  { title: "30 days", ms: 30 * day_ms },
  { title: "All time", ms: undefined },
] as const;

/** To the hour, so that the same question is asked once. */
const sinceOf = (ms: number | undefined): { from?: number } =>
  ms === undefined ? {} : { from: Math.floor((Date.now() - ms) / 3_600_000) * 3_600_000 };

export default function UsagePage() {
  const [by, setBy] = useState<By>("model");
  const [span, setSpan] = useState(1);
  const { data, error } = useOperation("usage_report", { by, ...sinceOf(spans[span]?.ms) });
  return (
    <>
      <PageHead title="Usage">
        <div className="segments" role="group" aria-label="Period">
          {spans.map(({ title }, at) => (
            <button key={title} type="button" aria-pressed={at === span} onClick={() => setSpan(at)}>
              {title}
            </button>
          ))}
        </div>
      </PageHead>
      {error === null ? null : <Trouble error={error} />}
      <div className="stack">
        {data === undefined ? null : <Totals total={data.total} />}
        <Panel
          title="What was used"
          flush
          actions={
            <div className="segments" role="group" aria-label="What each row is about">
              {Object.entries(subjects).map(([name, title]) => (
                <button key={name} type="button" aria-pressed={name === by} onClick={() => setBy(name as By)}>
                  {title}
                </button>
              ))}
            </div>
          }
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
  return (
    <div className="table-wrap">
      <table>
        <thead>
          <tr>
            <th scope="col">{subjects[by]}</th>
            {figures.map(({ title }) => (
              <th key={title} scope="col" className="right">
                {title}
              </th>
            ))}
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td className="name">{row.name === "" ? "no hive" : row.name}</td>
              {figures.map(({ title, of }) => (
                <td key={title} data-label={title} className="right number">
                  {of(row)}
                </td>
              ))}
              <td data-label="Share">
                <div className="slots">
                  <Meter
                    label={`Share of ${row.name}`}
                    value={row.units}
                    max={Math.max(total.units, 1)}
                    tone="accent"
                  />
                  <span className="number">
                    {total.units === 0 ? 0 : Math.round((100 * row.units) / total.units)} %
                  </span>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
