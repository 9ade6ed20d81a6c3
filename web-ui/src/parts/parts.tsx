import { useEffect, useState, type ReactNode } from "react";
import { CircleAlert, Check, Copy, type LucideIcon } from "lucide-react";
import { RbeeError } from "@rbee/sdk";
import { Link } from "wouter";
import "../styles/parts.css";

export type Tone = "good" | "warn" | "bad" | "accent" | "plain";

export const Badge = ({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) => (
  <span className={`badge ${tone}`}>{children}</span>
);

export const Dot = ({ tone }: { tone: Tone }) => <span className={`dot ${tone}`} aria-hidden="true" />;

export function PageHead({ title, note, children }: { title: string; note?: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · rbee`;
  }, [title]);
  return (
    <div className="page-head">
      <h1>{title}</h1>
      {note === undefined ? null : <p>{note}</p>}
      {children === undefined ? null : <div className="actions">{children}</div>}
    </div>
  );
}

interface PanelProps {
  readonly title: string;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** The content brings its own spacing, as tables do. */
  readonly flush?: boolean;
}

export const Panel = ({ title, note, actions, children, flush = false }: PanelProps) => (
  <section className="panel" aria-label={title}>
    <header>
      <div className="panel-title">
        <h2>{title}</h2>
        {note === undefined ? null : <span className="muted small">{note}</span>}
      </div>
      {actions === undefined ? null : <div className="actions">{actions}</div>}
    </header>
    {flush ? children : <div className="body">{children}</div>}
  </section>
);

interface EmptyProps {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly children: ReactNode;
  /** The next step. */
  readonly to?: { readonly href: string; readonly words: string; readonly primary?: boolean };
}

export const Empty = ({ icon: Icon, title, children, to }: EmptyProps) => (
  <div className="empty">
    <Icon className="lead" aria-hidden="true" />
    <h2>{title}</h2>
    <p>{children}</p>
    {to === undefined ? null : (
      <Link href={to.href} className={to.primary === true ? "button primary" : "button"}>
        {to.words}
      </Link>
    )}
  </div>
);

/** What went wrong, its code, and what to do. */
export function Trouble({ error }: { error: unknown }) {
  const { code, message, hint } = troubleOf(error);
  return (
    <div className="trouble" role="alert">
      <CircleAlert aria-hidden="true" />
      <div>
        <p>
          <Words of={message} /> <code className="code">{code}</code>
        </p>
        {hint === "" ? null : (
          <p className="muted">
            <Words of={hint} />
          </p>
        )}
      </div>
    </div>
  );
}

/** What stands between backticks is code. */
const Words = ({ of: text }: { of: string }) =>
  text.split("`").map((part, at) => (at % 2 === 0 ? part : <code key={at}>{part}</code>));

export function troubleOf(error: unknown): { code: string; message: string; hint: string } {
  if (error instanceof RbeeError) return error;
  return { code: "internal", message: error instanceof Error ? error.message : String(error), hint: "" };
}

/** Room for what is on its way, so that nothing jumps when it comes. */
export const Waiting = ({ lines = 3 }: { lines?: number }) => (
  <div className="body stack" aria-busy="true" aria-label="Loading">
    {Array.from({ length: lines }, (_, i) => (
      <div key={i} className="skeleton" />
    ))}
  </div>
);

interface MeterProps {
  readonly label: string;
  readonly value: number;
  readonly max: number;
  readonly tone?: Tone | "away";
}

/** How much of something is taken. */
export const Meter = ({ label, value, max, tone = "plain" }: MeterProps) => (
  <div
    className={`meter ${tone}`}
    role="meter"
    aria-label={label}
    aria-valuenow={value}
    aria-valuemin={0}
    aria-valuemax={max}
  >
    <div style={{ width: `${max === 0 ? 0 : Math.min(100, (100 * value) / max)}%` }} />
  </div>
);

/** How far something is; without a total nobody knows. */
export function Progress({ label, done, total }: { label: string; done: number; total: number | undefined }) {
  const percent = total === undefined || total === 0 ? undefined : Math.min(100, Math.round((100 * done) / total));
  return (
    <div
      className={`meter ${percent === undefined ? "endless" : ""}`}
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <div style={percent === undefined ? {} : { width: `${percent}%` }} />
    </div>
  );
}

/** A page that came over plain http from another machine has none. */
const hasClipboard = window.isSecureContext;

interface CopyButtonProps {
  readonly text: string;
  readonly label: string;
  readonly autoFocus?: boolean;
}

export function CopyButton({ text, label, autoFocus = false }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [copied]);
  if (!hasClipboard) return null;
  const copy = (): void => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <button
      type="button"
      className="button small icon quiet copy"
      aria-label={copied ? "Copied" : label}
      onClick={copy}
      autoFocus={autoFocus}
    >
      {copied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
    </button>
  );
}

interface CodeBlockProps {
  readonly label: string;
  readonly children: string;
  /** Copying is what one does next. */
  readonly autoFocus?: boolean;
}

/** React focuses only what is part of a form. */
const focus = (element: HTMLElement | null): void => element?.focus();

export const CodeBlock = ({ children, label, autoFocus = false }: CodeBlockProps) => (
  <div className="copied">
    <pre className="code-block" tabIndex={0} aria-label={label} ref={autoFocus && !hasClipboard ? focus : undefined}>
      {children}
    </pre>
    <CopyButton text={children} label={`Copy: ${label}`} autoFocus={autoFocus} />
  </div>
);

export const Facts = ({ rows }: { rows: Readonly<Record<string, ReactNode>> }) => (
  <dl className="facts">
    {Object.entries(rows)
      .filter(([, value]) => value !== undefined && value !== "")
      .flatMap(([name, value]) => [<dt key={`${name} name`}>{name}</dt>, <dd key={name}>{value}</dd>])}
  </dl>
);
