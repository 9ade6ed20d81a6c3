import { Download, Play, Search, SearchX } from "lucide-react";
import { useState } from "react";
import type { OperationResult } from "@rbee/sdk";
import { Link } from "wouter";
import { Badge, Empty, Panel, Trouble, Waiting } from "../../parts/parts.tsx";
import { bytes, short } from "../../parts/words.ts";
import { useOperation } from "@rbee/sdk/react";
import { DownloadDialog } from "./download-dialog.tsx";

export type FoundModel = OperationResult<"model_search">["models"][number];

const QUERY_DEFAULT = "instruct gguf";
const RESULTS = 20;

/** The hub, with what each model weighs and where it would fit. */
export function Discover() {
  const [words, setWords] = useState("");
  const [asked, setAsked] = useState(QUERY_DEFAULT);
  const { data, error, isPending } = useOperation("model_search", { query: asked, limit: RESULTS });
  return (
    <div className="stack">
      <form
        className="search"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(words.trim() === "" ? QUERY_DEFAULT : words.trim());
        }}
      >
        <Search aria-hidden="true" />
        <input
          type="search"
          className="input"
          aria-label="Search the hub"
          placeholder="qwen2.5, llama, mistral…"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <button type="submit" className="button">
          Search
        </button>
      </form>
      <Panel
        title={asked === QUERY_DEFAULT ? "Suggestions" : `Results for “${asked}”`}
        note="models that come as GGUF"
        flush
      >
        {error === null ? null : (
          <div className="body">
            <Trouble error={error} />
          </div>
        )}
        {isPending ? <Waiting lines={6} /> : null}
        {data === undefined ? null : <Results models={data.models} />}
      </Panel>
    </div>
  );
}

function Results({ models }: { models: readonly FoundModel[] }) {
  const [chosen, setChosen] = useState<FoundModel>();
  if (models.length === 0)
    return (
      <Empty icon={SearchX} title="Nothing found">
        Fewer words find more. Only models that come as GGUF are shown, since those run here.
      </Empty>
    );
  return (
    <>
      <ul className="found">
        {models.map((model) => (
          <Found key={model.id} model={model} onDownload={() => setChosen(model)} />
        ))}
      </ul>
      {chosen === undefined ? null : <DownloadDialog model={chosen} onClose={() => setChosen(undefined)} />}
    </>
  );
}

function Found({ model, onDownload }: { model: FoundModel; onDownload: () => void }) {
  const { id, quants, sizes, licence, gated, downloads, fits } = model;
  const weights = quants.flatMap((quant) => sizes[quant] ?? []);
  return (
    <li>
      <div className="grow">
        <p className="name">{id}</p>
        <p className="muted small found-line">
          <span>{sizeRange(weights)}</span>
          <span>{quants.length === 1 ? quants[0] : `${quants.length} quantisations`}</span>
          <span>{licence ?? "licence unknown"}</span>
          <span>{downloads === 1 ? "1 download" : `${short(downloads)} downloads`}</span>
        </p>
      </div>
      {gated ? <Badge tone="warn">gated</Badge> : null}
      {fits.length === 0 ? <Badge>fits nowhere</Badge> : <Badge tone="good">fits on {fits.join(", ")}</Badge>}
      <div className="row">
        <Link href={`/run/${id}`} className="button small" aria-label={`Run ${id}`}>
          <Play aria-hidden="true" />
          Run
        </Link>
        <button type="button" className="button small" aria-label={`Download ${id}`} onClick={onDownload}>
          <Download aria-hidden="true" />
          Download
        </button>
      </div>
    </li>
  );
}

function sizeRange(sizes: readonly number[]): string {
  if (sizes.length === 0) return "size unknown";
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return least === most ? bytes(least) : `${bytes(least)} – ${bytes(most)}`;
}
