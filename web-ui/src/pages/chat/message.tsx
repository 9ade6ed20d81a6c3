import { memo, type ComponentProps } from "react";
import Markdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { CopyButton } from "../../parts/parts.tsx";
import type { Chat } from "@rbee/sdk/react";

type Turn = Chat["messages"][number];

/** One thing that was said. What a model wrote becomes elements, never HTML: nothing in it can run or load anything. */
export const Bubble = memo(function Bubble({ message, writing }: { message: Turn; writing: boolean }) {
  const { role, content, ended } = message;
  if (role === "user") return <div className="said by-user">{content}</div>;
  return (
    <div className={writing ? "said by-model writing" : "said by-model"}>
      <Markdown remarkPlugins={plugins} components={components}>
        {content}
      </Markdown>
      {ended === undefined ? null : <p className="muted small">{ended === "stopped" ? "Stopped" : "Broken off"}</p>}
    </div>
  );
});

const plugins = [remarkGfm];

const components = {
  pre: Code,
  // A picture would tell its server that somebody reads this.
  img: ({ alt }: ComponentProps<"img">) => <em>[picture: {alt}]</em>,
  a: ({ href, children }: ComponentProps<"a">) => (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  ),
};

function Code({ children }: ComponentProps<"pre">) {
  const inner = (children as { props?: { children?: unknown; className?: string } } | undefined)?.props;
  const text = typeof inner?.children === "string" ? inner.children : "";
  const language = /language-(\w+)/.exec(inner?.className ?? "")?.[1];
  return (
    <div className="copied">
      {language === undefined ? null : <span className="language muted small">{language}</span>}
      <pre className="code-block" tabIndex={0}>
        {children}
      </pre>
      <CopyButton text={text} label="Copy code" />
    </div>
  );
}
