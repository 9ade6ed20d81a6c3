import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
const stamp = join(here, "dist", "built-from");

/** Where the built interface is. The folder is there from the first call on; its files when the build is done. */
export const uiFolder = join(here, "dist");

/** Builds the interface, unless what is there was made from these very sources. */
export async function buildUi(): Promise<void> {
  const sources = sourcesDigest();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === sources) return;
  const { build } = await import("vite");
  mkdirSync(uiFolder, { recursive: true });
  const outDir = mkdtempSync(join(here, ".building-"));
  try {
    await build({ root: here, logLevel: "warn", build: { outDir, emptyOutDir: true } });
    replaceWith(outDir);
    writeFileSync(stamp, sources);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

/** In place, the page last: whoever loads it meanwhile finds what it names. */
function replaceWith(outDir: string): void {
  const old = existsSync(join(uiFolder, "assets")) ? readdirSync(join(uiFolder, "assets")) : [];
  cpSync(outDir, uiFolder, { recursive: true, filter: (from) => !from.endsWith("index.html") });
  renameSync(join(outDir, "index.html"), join(uiFolder, "index.html"));
  const kept = new Set(readdirSync(join(outDir, "assets")));
  for (const name of old.filter((name) => !kept.has(name))) rmSync(join(uiFolder, "assets", name), { force: true });
}

function sourcesDigest(): string {
  const folders = "web-ui/{index.html,*.ts,package.json,src/**/*,public/**/*}";
  const files = globSync([folders, "{sdk,contracts}/src/**/*.ts", "sdk/src/**/*.tsx", "package-lock.json"], {
    cwd: root,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile() && !entry.name.includes(".test."))
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash("sha256");
  for (const file of files.toSorted()) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildUi();
