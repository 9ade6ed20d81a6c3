import { ArrowUp, Square } from "lucide-react";
import { useRef, useState } from "react";

interface ComposerProps {
  readonly streaming: boolean;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
  /** What an answer waits for: news, which is read out. */
  readonly waiting: string;
  readonly note: string;
}

/** Enter sends, Shift+Enter makes a new line, Escape stops. */
export function Composer({ streaming, onSend, onStop, waiting, note }: ComposerProps) {
  const [text, setText] = useState("");
  const box = useRef<HTMLTextAreaElement>(null);
  const send = (): void => {
    if (streaming || text.trim() === "") return;
    onSend(text.trim());
    setText("");
    box.current?.focus();
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="composer-box">
        <textarea
          ref={box}
          aria-label="Message"
          placeholder="Ask something"
          rows={Math.min(8, Math.max(1, text.split("\n").length))}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape" && streaming) onStop();
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        {streaming ? (
          <button type="button" className="button icon" aria-label="Stop" onClick={onStop}>
            <Square aria-hidden="true" />
          </button>
        ) : (
          <button type="submit" className="button icon primary" aria-label="Send" disabled={text.trim() === ""}>
            <ArrowUp aria-hidden="true" />
          </button>
        )}
      </div>
      <p className="composer-note muted small number">
        <span role="status">{waiting}</span>
        {waiting === "" ? note : null}
      </p>
    </form>
  );
}
