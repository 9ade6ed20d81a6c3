import { LockKeyhole } from "lucide-react";
import { Empty, Trouble, Waiting } from "../parts/parts.tsx";
import { isForbidden, useFleet } from "./fleet.ts";

/** In place of what is not heard of the fleet yet, or why it will not be. */
export function NoFleet({ lines = 3 }: { lines?: number }) {
  const { error } = useFleet();
  if (error === undefined) return <Waiting lines={lines} />;
  if (!isForbidden(error)) return <Trouble error={error} />;
  return (
    <Empty
      icon={LockKeyhole}
      title="Only operators see the fleet"
      to={{ href: "/chat", words: "Chat with a model", primary: true }}
    >
      The key you signed in with may only ask models. Sign in with the owner's key or one of scope operator, or ask who
      runs this queen.
    </Empty>
  );
}
