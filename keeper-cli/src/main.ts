#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { rbeeHome } from "./home.ts";

// Halves the time to the first word. Not in /tmp: what is read back from there is run.
enableCompileCache(join(rbeeHome(), "cache"));
const { runKeeper } = await import("./cli.ts");
process.exitCode = await runKeeper(process.argv.slice(2));
