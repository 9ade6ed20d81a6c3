import { createInterface } from "node:readline/promises";
import { buildCommand, buildRouteMap, type Command, type CommandContext, type RouteMap } from "@stricli/core";
import { JobClient, RbeeError } from "@rbee/sdk";
import { readContexts, removeContext, saveContext, useContext } from "../contexts.ts";
import { fail } from "../failure.ts";
import { rbeeHome } from "../home.ts";
import { askPerson } from "../terminal/ask.ts";
import { printData, printJson } from "../terminal/output.ts";
import { live } from "./live-values.ts";
import { columns } from "./views/parts.ts";

interface LoginFlags {
  readonly name?: string | undefined;
}

/** `rbee login`: a queen and a key, tried before they are kept. */
export const loginCommand = (): Command<CommandContext> =>
  buildCommand<LoginFlags, [url?: string]>({
    docs: {
      brief: "Keep the address of a queen and a key to her on this machine",
      fullDescription:
        "Asks for the key without showing it, tries it, and keeps it in a file that only you can read. Without a terminal the key is read from stdin.",
      customUsage: [
        { input: "", brief: "Asks for everything" },
        { input: "https://rbee-queen.example.workers.dev --name work", brief: "As the context called work" },
        { input: "https://rbee-queen.example.workers.dev < key.txt", brief: "In a script" },
      ],
    },
    parameters: {
      flags: {
        name: {
          kind: "parsed",
          parse: String,
          optional: true,
          placeholder: "name",
          brief: "Name of the context (the host's otherwise)",
        },
      },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Queen", placeholder: "url", parse: String, optional: true }],
      },
    },
    func: async (flags, given) => {
      const url = originOf(given ?? (process.stdin.isTTY ? await ask("Queen's address: ") : ""));
      const key = (await ask("Key: ", { secret: true })).trim();
      await requireAccepted(url, key);
      const name = flags.name ?? new URL(url).hostname.replaceAll(/[^a-z0-9.-]/g, "");
      saveContext(rbeeHome(), name, { url, key });
      printData(`Logged in to ${url} as context ${name}`);
    },
  });

/** `rbee logout`: the key is forgotten here. It stays good elsewhere. */
export const logoutCommand = (): Command<CommandContext> =>
  buildCommand<Readonly<Record<string, never>>, [name?: string]>({
    docs: {
      brief: "Forget a queen and the key to her",
      customUsage: [
        { input: "", brief: "The one in use" },
        { input: "work", brief: "The context called work" },
      ],
    },
    parameters: { flags: {}, positional: { kind: "tuple", parameters: [{ ...contextArgument, optional: true }] } },
    func: (_, given) => {
      const name = given ?? readContexts(rbeeHome()).current;
      if (name === undefined)
        throw fail("not_found", "no context is in use", "`rbee context list` shows those there are.");
      forget(name);
    },
  });

const contextArgument = {
  brief: "Context",
  placeholder: "context",
  parse: String,
  proposeCompletions: live("context"),
} as const;
const oneContext = { kind: "tuple", parameters: [contextArgument] } as const;

function forget(name: string): void {
  removeContext(rbeeHome(), name);
  printData(`Forgot ${name}`);
}

/** `rbee context …`: several queens, one in use. */
export const contextRoutes: RouteMap<CommandContext> = buildRouteMap<string>({
  docs: { brief: "Queens that you logged in to" },
  routes: {
    list: buildCommand<{ readonly json?: boolean | undefined }>({
      docs: { brief: "List them", customUsage: [{ input: "", brief: "The one in use has a *" }] },
      parameters: {
        flags: { json: { kind: "boolean", optional: true, withNegated: false, brief: "Print JSON on stdout" } },
      },
      func: ({ json }) => {
        const { current, contexts } = readContexts(rbeeHome());
        const rows = Object.entries(contexts).map(([name, { url }]) => ({ name, url, current: name === current }));
        if (json === true) return printJson({ contexts: rows });
        if (rows.length === 0) return printData("No contexts: `rbee login` makes one.");
        printData(
          columns(
            ["context", "queen", ""],
            rows.map((row) => [row.name, row.url, row.current ? "* in use" : ""]),
          ),
        );
      },
    }),
    use: buildCommand<Readonly<Record<string, never>>, [string]>({
      docs: {
        brief: "Talk to another one from now on",
        customUsage: [{ input: "work", brief: "RBEE_URL and --url still win" }],
      },
      parameters: { flags: {}, positional: oneContext },
      func: (_, name) => printData(`Using ${name}: ${useContext(rbeeHome(), name).url}`),
    }),
    rm: buildCommand<Readonly<Record<string, never>>, [string]>({
      docs: {
        brief: "Forget one, with its key",
        customUsage: [{ input: "work", brief: "The same as `rbee logout work`" }],
      },
      parameters: { flags: {}, positional: oneContext },
      func: (_, name) => forget(name),
    }),
  },
});

function originOf(typed: string): string {
  const address = /^https?:\/\//.test(typed.trim()) ? typed.trim() : `https://${typed.trim()}`;
  if (typed.trim() === "" || !URL.canParse(address))
    throw fail(
      "invalid_input",
      `${JSON.stringify(typed)} is not the address of a queen`,
      "It looks like https://rbee.example.com.",
    );
  const url = new URL(address);
  // What somebody pasted may hold more than the address.
  url.search = url.hash = url.username = url.password = "";
  return url.href.replace(/\/$/, "");
}

/** @throws RbeeError unauthorized, or that there is no queen */
async function requireAccepted(url: string, key: string): Promise<void> {
  try {
    await new JobClient({ url, key }).list({ limit: 1 });
  } catch (error) {
    // A key that may only infer is a good key.
    if (!(error instanceof RbeeError) || error.code !== "forbidden") throw error;
  }
}

/** Asks on the terminal; with none, the next line of stdin. @throws Interrupted */
const ask = (question: string, { secret = false } = {}): Promise<string> =>
  process.stdin.isTTY ? askPerson(question, { left: "Nothing was kept", secret }) : lineOf(process.stdin);

async function lineOf(stdin: NodeJS.ReadStream): Promise<string> {
  const lines = createInterface({ input: stdin });
  for await (const line of lines) return line;
  throw fail("invalid_input", "there is no key on stdin", "Pipe it in, or log in on a terminal.");
}
