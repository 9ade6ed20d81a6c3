import { PageHead } from "../../parts/parts.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { useFleet } from "../../queen/fleet.ts";
import { Discover } from "./discover.tsx";
import { Downloaded } from "./downloaded.tsx";
import { Loaded } from "./loaded.tsx";
import "../../styles/models.css";

export default function ModelsPage() {
  const { fleet } = useFleet();
  const onDisk = fleet?.hives.reduce((sum, { models }) => sum + models.length, 0) ?? 0;
  const loaded = new Set(fleet?.workers.map(({ model }) => model)).size;
  return (
    <>
      <PageHead title="Models" />
      <Tabs
        label="Models"
        tabs={[
          { id: "downloaded", title: "Downloaded", count: onDisk, content: <Downloaded /> },
          { id: "loaded", title: "Loaded", count: loaded, content: <Loaded /> },
          { id: "discover", title: "Discover", content: <Discover /> },
        ]}
      />
    </>
  );
}
