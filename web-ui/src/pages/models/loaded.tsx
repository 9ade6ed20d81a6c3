import { MessageCircle } from "lucide-react";
import { Link } from "wouter";
import { useAct } from "../../activity/launch.ts";
import { Panel } from "../../parts/parts.tsx";
import { useFleet } from "../../queen/fleet.ts";
import { NoFleet } from "../../queen/no-fleet.tsx";
import { WorkersTable } from "../workers/workers-table.tsx";

/** What is in the memory of all hives, ready to answer. */
export function Loaded() {
  const { fleet } = useFleet();
  const act = useAct();
  if (fleet === undefined) return <NoFleet />;
  return (
    <Panel title="In memory" flush>
      <WorkersTable
        workers={fleet.workers}
        actions={({ hive_id, model, state }) => (
          <>
            <Link
              href={`/chat?model=${encodeURIComponent(model)}`}
              className="button small"
              aria-label={`Chat with ${model}`}
            >
              <MessageCircle aria-hidden="true" />
              Chat
            </Link>
            <button
              type="button"
              className="button small"
              disabled={state === "unreachable"}
              aria-label={`Unload ${model} from ${hive_id}`}
              onClick={() => void act(`${model} unloaded`, "model_unload", { hive_id, id: model })}
            >
              Unload
            </button>
          </>
        )}
      />
    </Panel>
  );
}
