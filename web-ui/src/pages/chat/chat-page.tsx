import { MessageCircle, SlidersHorizontal, SquarePen } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { Empty, PageHead, Trouble, Waiting } from "../../parts/parts.tsx";
import { perSecond } from "../../parts/words.ts";
import { modelsOf, useFleet } from "../../queen/fleet.ts";
import { kept } from "../../store.ts";
import { Composer } from "./composer.tsx";
import { Bubble } from "./message.tsx";
import { parametersOf, readSettings, SettingsDialog, type ChatSettings } from "./settings.tsx";
import { useChat, type Chat } from "@rbee/sdk/react";
import "../../styles/chat.css";

const MODEL = "rbee.chat.model";

export default function ChatPage() {
  const { fleet } = useFleet();
  if (fleet === undefined) return <Waiting lines={8} />;
  const models = modelsOf(fleet);
  if (models.length > 0) return <Conversation models={models} />;
  return (
    <>
      <PageHead title="Chat" />
      <Empty
        icon={MessageCircle}
        title="No model to talk to"
        to={{ href: "/models?tab=discover", words: "Discover models", primary: true }}
      >
        Download one to a hive; it is loaded with the first question.
      </Empty>
    </>
  );
}

function Conversation({ models }: { models: readonly string[] }) {
  const [search] = useSearchParams();
  const [chosen, setChosen] = useState(() => search.get("model") ?? kept.get(MODEL));
  const [settings, setSettings] = useState(readSettings);
  const [tuning, setTuning] = useState(false);
  const model = models.find((id) => id === chosen) ?? models[0] ?? "";
  const system = settings.system === "" ? undefined : settings.system;
  const chat = useChat({ model, system, parameters: parametersOf(settings), storageKey: "rbee.chat" });
  const choose = (id: string): void => {
    kept.set(MODEL, id);
    setChosen(id);
  };
  return (
    <div className="chat">
      <PageHead title="Chat">
        <select
          className="input small"
          aria-label="Model"
          value={model}
          onChange={(event) => choose(event.target.value)}
        >
          {models.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
        <button
          type="button"
          className="button icon"
          aria-label="Parameters"
          title="System prompt and parameters"
          onClick={() => setTuning(true)}
        >
          <SlidersHorizontal aria-hidden="true" />
        </button>
        <button
          type="button"
          className="button icon"
          aria-label="New chat"
          title="New chat"
          disabled={chat.streaming}
          onClick={() => void chat.clear()}
        >
          <SquarePen aria-hidden="true" />
        </button>
      </PageHead>
      <Thread chat={chat} model={model} />
      <Composer
        streaming={chat.streaming}
        onSend={(text) => void chat.send(text)}
        onStop={() => void chat.stop()}
        note={noteOf(chat)}
      />
      <SettingsDialog
        open={tuning}
        onClose={() => setTuning(false)}
        settings={settings}
        onChange={(next: ChatSettings) => setSettings(next)}
      />
    </div>
  );
}

function noteOf({ streaming, waiting, tokensPerSecond }: Chat): string {
  if (streaming && waiting !== undefined) return `Waiting: ${waiting.reason ?? "in the queue"}`;
  return tokensPerSecond === undefined ? "" : `${perSecond(tokensPerSecond)} tokens/s`;
}

function Thread({ chat, model }: { chat: Chat; model: string }) {
  const { messages, streaming, error } = chat;
  const end = useRef<HTMLDivElement>(null);
  const last = messages.at(-1)?.content;
  useEffect(() => {
    // Whoever scrolled up to read is left there.
    const nearEnd = document.documentElement.scrollHeight - window.innerHeight - window.scrollY < NEAR_PX;
    if (nearEnd) end.current?.scrollIntoView({ block: "end" });
  }, [last, messages.length]);
  if (messages.length === 0 && error === undefined)
    return (
      <div className="thread">
        <Empty icon={MessageCircle} title={`Talk to ${model}`}>
          What you say stays in this tab and on your own machines. An answer goes on when you reload the page.
        </Empty>
      </div>
    );
  return (
    <div className="thread" role="log" aria-label="Conversation" aria-busy={streaming}>
      {messages.map((message, at) => (
        <Bubble
          key={at}
          message={message}
          writing={streaming && at === messages.length - 1 && message.role === "assistant"}
        />
      ))}
      {streaming && messages.at(-1)?.role === "user" ? <p className="thinking muted">…</p> : null}
      {error === undefined ? null : (
        <div className="stack tight">
          <Trouble error={error} />
          <div className="row">
            <button type="button" className="button small" onClick={() => void chat.retry()}>
              Ask again
            </button>
          </div>
        </div>
      )}
      <div ref={end} className="thread-end" />
    </div>
  );
}

const NEAR_PX = 160;
