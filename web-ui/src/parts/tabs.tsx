import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";
import { useSearchParams } from "wouter";

interface Tab {
  readonly id: string;
  readonly title: string;
  readonly count?: number;
  readonly content: ReactNode;
}

/** Parts of one page. Which one is open stands in the address, so that a link and the back button find it. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  const [search, setSearch] = useSearchParams();
  const asked = search.get("tab");
  const current = tabs.find(({ id }) => id === asked) ?? tabs[0];
  return (
    <Base.Root value={current?.id} onValueChange={(id) => setSearch({ tab: String(id) }, { replace: true })}>
      <Base.List className="tabs" aria-label={label}>
        {tabs.map(({ id, title, count }) => (
          <Base.Tab key={id} value={id} className="tab">
            {title}
            {count === undefined ? null : <span className="number muted small">{count}</span>}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map(({ id, content }) => (
        <Base.Panel key={id} value={id} className="tab-panel">
          {content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
