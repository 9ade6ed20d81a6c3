import { writeFileSync } from "node:fs";
import { cliReference } from "../keeper-cli/src/reference.ts";

/** Writes docs/CLI.md anew; a test says when that is due. */
writeFileSync(new URL("../docs/CLI.md", import.meta.url), cliReference());
