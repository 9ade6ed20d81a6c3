import { ChartNoAxesColumn, Cpu, KeyRound, LogOut, Plus, Stethoscope } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { Facts, PageHead, Panel, Trouble } from "../parts/parts.tsx";
import { Segments } from "../parts/segments.tsx";
import { useOperation } from "@rbee/sdk/react";
import { isOnlyInTab, session, signOut } from "../session.ts";
import { useStore } from "../store.ts";
import { chooseTheme, theme, type Theme } from "../theme.ts";
import { Checks } from "./fleet/hive-details.tsx";
import { Snippets } from "./keys/snippets.tsx";
import "../styles/fleet.css";

const names: Readonly<Record<Theme, string>> = { system: "As the system", light: "Light", dark: "Dark" };

export default function SettingsPage() {
  const { key = "" } = useStore(session);
  const chosen = useStore(theme);
  return (
    <>
      <PageHead title="Settings" />
      <div className="stack settings">
        <div className="row phone-only">
          <Link href="/workers" className="button">
            <Cpu aria-hidden="true" />
            Workers
          </Link>
          <Link href="/usage" className="button">
            <ChartNoAxesColumn aria-hidden="true" />
            Usage
          </Link>
          <Link href="/keys" className="button">
            <KeyRound aria-hidden="true" />
            API keys
          </Link>
          <Link href="/add" className="button">
            <Plus aria-hidden="true" />
            Add a hive
          </Link>
        </div>
        <Panel title="Appearance">
          <div className="row">
            <Segments label="Theme" options={names} value={chosen} onChange={chooseTheme} />
          </div>
        </Panel>
        <Panel
          title="Session"
          actions={
            <button type="button" className="button small" onClick={() => signOut()}>
              <LogOut aria-hidden="true" />
              Sign out
            </button>
          }
        >
          <Facts
            rows={{
              Address: location.origin,
              Key: <code>{`${key.slice(0, 8)}…${key.slice(-4)}`}</code>,
              Kept: isOnlyInTab() ? "in this tab only" : "in this browser, until you sign out",
            }}
          />
        </Panel>
        <Panel title="From a program">
          <div className="stack">
            <p className="muted">
              The same address and key serve OpenAI's, Anthropic's and Ollama's clients. Put a key where{" "}
              <code>$RBEE_API_KEY</code> stands, best <Link href="/keys">one of the program's own</Link>.
            </p>
            <Snippets apiKey="$RBEE_API_KEY" />
          </div>
        </Panel>
        <QueenCheck />
      </div>
    </>
  );
}

function QueenCheck() {
  const [asked, setAsked] = useState(false);
  const { data, error, isFetching, refetch } = useOperation("queen_check", {}, { enabled: asked });
  return (
    <Panel
      title="The queen's own test"
      actions={
        <button
          type="button"
          className="button small"
          disabled={isFetching}
          onClick={() => (asked ? void refetch() : setAsked(true))}
        >
          <Stethoscope aria-hidden="true" />
          {isFetching ? "Testing…" : "Test"}
        </button>
      }
    >
      {error === null ? null : <Trouble error={error} />}
      {data === undefined ? (
        <p className="muted">Storage, hives, secrets, clock and the job log, looked at now.</p>
      ) : (
        <Checks checks={data.checks} />
      )}
    </Panel>
  );
}
