import { EnginePackage, useEngine } from "../worker/engine-package.ts";

/** Starts an engine in a process that may crash or hang. One line of JSON on stdout. `<kind of device> [<package>]` */
const [kind = "cpu", given] = process.argv.slice(2);
if (given !== undefined) useEngine(EnginePackage.parse(JSON.parse(given)));
const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
const gpu = kind === "cuda" || kind === "vulkan" || kind === "metal" ? kind : false;
const llama = await getLlama({ gpu, build: "never", skipDownload: true, logLevel: LlamaLogLevel.disabled });
const { release } = llama.llamaCppRelease;
process.stdout.write(JSON.stringify({ gpu: llama.gpu, release }), () => process.exit(0));
