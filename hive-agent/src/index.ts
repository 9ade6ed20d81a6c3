export { startAgent, type Agent, type AgentOptions } from "./agent.ts";
export { stderrLog, type Log } from "./log.ts";
