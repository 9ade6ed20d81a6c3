import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { operationNames, operationOf, type OperationName } from "@rbee/contracts";
import { z } from "zod";
import { cliReference } from "../keeper-cli/src/reference.ts";
import { pathOf, synonyms } from "../sdk/src/names.ts";

/**
 * Files that repeat what the code says: the names of the operations, which a browser shall have without their schemas,
 * docs/SDK.md and docs/CLI.md. Writes them; with `--check` it only says whether they are as they should be.
 */
const guide = readFileSync(new URL("../sdk/GUIDE.md", import.meta.url), "utf8");

const files: Readonly<Record<string, string>> = {
  "sdk/src/operation-names.ts": namesFile(),
  "docs/CLI.md": cliReference(),
  "docs/SDK.md": `${guide}\n${operationNames.map(sectionOf).join("\n")}\n${synonymTable()}`,
};

let stale = false;
for (const [path, text] of Object.entries(files)) {
  const url = new URL(`../${path}`, import.meta.url);
  if (readOr(url) === text) continue;
  stale = true;
  if (process.argv.includes("--check")) process.stderr.write(`${path} is not as the code is\n`);
  else writeFileSync(fileURLToPath(url), text);
}
if (stale && process.argv.includes("--check")) {
  process.stderr.write("run: node tools/check.ts --fix\n");
  process.exitCode = 1;
}

function readOr(url: URL): string {
  try {
    return readFileSync(url, "utf8");
  } catch {
    return "";
  }
}

function namesFile(): string {
  const lines = operationNames.map((name) => `  "${name}",\n`).join("");
  return `import type { OperationName } from "@rbee/contracts";

/** Made by tools/references.ts from the table of operations: the table itself would bring its schemas along. */
export const operationNames = [
${lines}] as const satisfies readonly OperationName[];
`;
}

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
}

function sectionOf(name: OperationName): string {
  const { summary, executor, scope, input, result } = operationOf(name);
  const fields = z.toJSONSchema(input, { io: "input", unrepresentable: "any" }) as Schema;
  const answer = z.toJSONSchema(result, { io: "output", unrepresentable: "any" }) as Schema;
  const rows = Object.entries(fields.properties ?? {}).map(([field, schema]) => rowOf(field, schema, fields.required));
  const table = rows.length === 0 ? "" : `| field | type | |\n|---|---|---|\n${rows.join("")}\n`;
  const answered = Object.entries(answer.properties ?? {}).map(([field, schema]) => {
    const optional = answer.required?.includes(field) === true ? "" : "?";
    return `${field}${optional}: ${typeOf(schema)}`;
  });
  return `### \`client.${pathOf(name).join(".")}\`

${summary}. Operation \`${name}\`, answered by the ${executor}, for keys of scope ${scope} and above.

${table}Result: \`{ ${answered.join(", ")} }\`
`;
}

function rowOf(field: string, schema: Schema, required: readonly string[] = []): string {
  const given = schema.default === undefined ? "" : `default \`${JSON.stringify(schema.default)}\``;
  const needed = required.includes(field) ? "required" : given;
  const words = [schema.description, needed].filter((word) => word !== undefined && word !== "").join("; ");
  return `| \`${field}\` | \`${typeOf(schema).replaceAll("|", "\\|")}\` | ${words.replaceAll("|", "\\|")} |\n`;
}

/** A type in few words; objects within objects are only named as such. */
function typeOf({ type, items, ...schema }: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return [...new Set(either.map(typeOf))].join(" | ");
  if (type === "array") {
    const item = typeOf(items ?? {});
    return item.includes(" ") ? `(${item})[]` : `${item}[]`;
  }
  return type === "integer" ? "number" : (type ?? "unknown");
}

function synonymTable(): string {
  const rows = Object.entries(synonyms).map(
    ([name, meant]) => `| \`client.${pathOf(name).join(".")}\` | \`client.${pathOf(meant).join(".")}\` |\n`,
  );
  return `## Other names\n\nWhat other clients call these operations is understood too.\n\n| name | means |\n|---|---|\n${rows.join("")}`;
}
