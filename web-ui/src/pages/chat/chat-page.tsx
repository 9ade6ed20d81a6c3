import { MessageCircle, SlidersHorizontal, SquarePen } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { Empty, PageHead, Trouble, Waiting } from "../../parts/parts.tsx";
import { tell } from "../../parts/toasts.tsx";
import { perSecond } from "../../parts/words.ts";
import { kept } from "../../store.ts";
import { Composer } from "./composer.tsx";
import { Bubble } from "./message.tsx";
import { useChatModels, type ChatModel } from "./models.ts";
import { parametersOf, readSettings, SettingsDialog, type ChatSettings } from "./settings.tsx";
import { useChat, type Chat } from "@rbee/sdk/react";
import "../../styles/chat.css";

const MODEL = "rbee.chat.model";

export default function ChatPage() {
  const { models, error } = useChatModels();
  const begun = useRef(false);
  begun.current ||= models !== undefined && models.length > 0;
  // What is being written stays, whatever becomes of the models meanwhile.
  if (begun.current) return <Conversation models={models ?? []} />;
  if (models === undefined)
    return (
      <>
        <PageHead title="Chat" />
        {error === undefined ? <Waiting lines={8} /> : <Trouble error={error} />}
      </>
    );
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

function Conversation({ models }: { models: readonly ChatModel[] }) {
  const [search] = useSearchParams();
  const [model, setModel] = useState(() => search.get("model") ?? firstOf(models));
  const [settings, setSettings] = useState(readSettings);
  const [tuning, setTuning] = useState(false);
  const system = settings.system === "" ? undefined : settings.system;
  const chat = useChat({ model, system, parameters: parametersOf(settings), storageKey: "rbee.chat" });
  const choose = (id: string): void => {
    kept.set(MODEL, id);
    setModel(id);
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
          {withChosen(models, model).map(({ id, away }) => (
            <option key={id} value={id}>
              {away ? `${id} (away)` : id}
            </option>
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
          onClick={() => void chat.clear().catch((error: unknown) => tell.bad("Not cleared", error))}
        >
          <SquarePen aria-hidden="true" />
        </button>
      </PageHead>
      <Thread chat={chat} model={model} />
      <Composer
        streaming={chat.streaming}
        onSend={(text) => void chat.send(text)}
        onStop={() => void chat.stop().catch((error: unknown) => tell.bad("Not stopped", error))}
        waiting={waitOf(chat)}
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

/** The one that was talked to last, if it is still there. */
function firstOf(models: readonly ChatModel[]): string {
  const last = kept.get(MODEL);
  return (models.find(({ id }) => id === last) ?? models[0])?.id ?? "";
}

/** One that is gone stays chosen until another one is: nobody asks a model that they did not choose. */
const withChosen = (models: readonly ChatModel[], chosen: string): readonly ChatModel[] =>
  models.some(({ id }) => id === chosen) ? models : [...models, { id: chosen, away: true }];

const waitOf = ({ streaming, waiting }: Chat): string =>
  streaming && waiting !== undefined ? `Waiting: ${waiting.reason ?? "in the queue"}` : "";

const noteOf = ({ tokensPerSecond }: Chat): string =>
  tokensPerSecond === undefined
    ? "Enter sends, Shift+Enter makes a new line"
    : `${perSecond(tokensPerSecond)} tokens/s`;

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
