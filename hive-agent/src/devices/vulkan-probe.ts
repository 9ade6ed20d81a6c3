import { EnginePackage, useEngine } from "../worker/engine-package.ts";

/** Asks the Vulkan engine which boards it finds, in a process that may crash or hang. One line of JSON on stdout. */
useEngine(EnginePackage.parse(JSON.parse(process.argv[2] ?? "")));
const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
const llama = await getLlama({ gpu: "vulkan", build: "never", skipDownload: true, logLevel: LlamaLogLevel.disabled });
const [names, { total, free }] = await Promise.all([llama.getGpuDeviceNames(), llama.getVramState()]);
process.stdout.write(JSON.stringify({ names, total, free }), () => process.exit(0));
