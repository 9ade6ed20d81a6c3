import {
  Activity,
  Boxes,
  ChartNoAxesColumn,
  Cpu,
  KeyRound,
  ListTodo,
  MessageCircle,
  Plus,
  Server,
  Settings,
} from "lucide-react";
import type { Live } from "@rbee/sdk/react";
import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { Tray } from "./activity/tray.tsx";
import { Logo } from "./logo.tsx";
import { Boundary } from "./parts/boundary.tsx";
import { Dot, Empty, Waiting } from "./parts/parts.tsx";
import { useFigureTaking } from "./queen/figures.ts";
import { isForbidden, useFleet, useRefusal } from "./queen/fleet.ts";
import "./styles/shell.css";
import "./styles/layers.css";

const pages = [
  { path: "/", title: "Fleet", icon: Server, phone: true },
  { path: "/models", title: "Models", icon: Boxes, phone: true },
  { path: "/workers", title: "Workers", icon: Cpu, phone: false },
  { path: "/jobs", title: "Jobs", icon: ListTodo, phone: true },
  { path: "/chat", title: "Chat", icon: MessageCircle, phone: true },
  { path: "/usage", title: "Usage", icon: ChartNoAxesColumn, phone: false },
  { path: "/keys", title: "API keys", icon: KeyRound, phone: false },
] as const;

const FleetPage = lazy(() => import("./pages/fleet/fleet-page.tsx"));
const ModelsPage = lazy(() => import("./pages/models/models-page.tsx"));
const WorkersPage = lazy(() => import("./pages/workers/workers-page.tsx"));
const JobsPage = lazy(() => import("./pages/jobs/jobs-page.tsx"));
const JobPage = lazy(() => import("./pages/jobs/job-page.tsx"));
const ChatPage = lazy(() => import("./pages/chat/chat-page.tsx"));
const UsagePage = lazy(() => import("./pages/usage-page.tsx"));
const KeysPage = lazy(() => import("./pages/keys/keys-page.tsx"));
const SettingsPage = lazy(() => import("./pages/settings-page.tsx"));
const AddHivePage = lazy(() => import("./pages/add-hive-page.tsx"));
const InstallPage = lazy(() => import("./pages/workers/install-page.tsx"));
const RunPage = lazy(() => import("./pages/models/run-page.tsx"));

export function Shell() {
  useFigureTaking();
  useRefusal();
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // Whoever uses the keyboard goes on where the new page begins.
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [path]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Side path={path} />
      <main id="main" ref={main} tabIndex={-1}>
        <Boundary key={path}>
          <Suspense fallback={<Waiting lines={6} />}>
            <Switch>
              <Route path="/" component={FleetPage} />
              <Route path="/models" component={ModelsPage} />
              <Route path="/workers" component={WorkersPage} />
              <Route path="/jobs" component={JobsPage} />
              <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={id} />}</Route>
              <Route path="/chat" component={ChatPage} />
              <Route path="/usage" component={UsagePage} />
              <Route path="/keys" component={KeysPage} />
              <Route path="/settings" component={SettingsPage} />
              <Route path="/add" component={AddHivePage} />
              <Route path="/install/worker" component={InstallPage} />
              <Route path="/run/:org/:repo">{({ org, repo }) => <RunPage model={`${org}/${repo}`} />}</Route>
              <Route component={NoPage} />
            </Switch>
          </Suspense>
        </Boundary>
      </main>
      <Tray />
    </div>
  );
}

function Side({ path }: { path: string }) {
  const current = (at: string) => ((at === "/" ? path === "/" : path.startsWith(at)) ? ("page" as const) : undefined);
  const isUnderMore = [...pages.filter(({ phone }) => !phone), { path: "/add" }].some(({ path: at }) => current(at));
  return (
    <div className="side">
      <Link href="/" className="brand">
        <Logo />
        rbee
      </Link>
      <nav aria-label="Pages">
        {pages.map(({ path: at, title, icon: Icon, phone }) => (
          <Link key={at} href={at} className={phone ? "nav-link" : "nav-link wide-only"} aria-current={current(at)}>
            <Icon aria-hidden="true" />
            {title}
          </Link>
        ))}
        <div className="nav-rest">
          <Link href="/add" className="nav-link wide-only" aria-current={current("/add")}>
            <Plus aria-hidden="true" />
            Add a hive
          </Link>
          <Link
            href="/settings"
            className={isUnderMore ? "nav-link holds" : "nav-link"}
            aria-current={current("/settings")}
          >
            <Settings aria-hidden="true" />
            <span className="wide-only">Settings</span>
            <span className="phone-only">More</span>
          </Link>
        </div>
      </nav>
      <Connection />
    </div>
  );
}

function Connection() {
  const live = useFleet();
  return (
    <p className="connection" role="status">
      <Dot tone={live.connected ? "good" : "warn"} />
      {connectionWords(live)}
    </p>
  );
}

function connectionWords({ fleet, connected, error }: Live): string {
  if (connected) return location.host;
  if (isForbidden(error)) return "Not live with this key";
  return fleet === undefined && error === undefined ? "Connecting…" : "No answer; trying again";
}

const NoPage = () => (
  <Empty icon={Activity} title="There is no such page" to={{ href: "/", words: "To the fleet" }}>
    The link may be old, or a character of it got lost.
  </Empty>
);
