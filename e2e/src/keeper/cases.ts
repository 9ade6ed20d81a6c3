import { limits } from "@rbee/contracts";

/** One command as a person types it, and what comes of it. */
export interface Case {
  /** What stands in braces is what an earlier command has said: its named groups are remembered. */
  readonly line: string;
  /** What is printed: the data, or the words where there is none. */
  readonly reads: RegExp;
  readonly stdin?: string;
  /** 0 unless given. */
  readonly code?: number;
  /** So long after the command before it may be as if that had not been. */
  readonly within_ms?: number;
  /** What the environment says of where the queen is: nothing unless given. */
  readonly url?: string;
}

/**
 * An hour with the keeper, in order: every command there is, in a house with one hive `den` that knows bee-tiny, and a hub
 * that has org/bees. `rbee login` says where the queen is.
 */
export const cases: readonly Case[] = [
  { line: "login {url} --name spare", stdin: "{key}\n", reads: /Logged in to \S+ as context spare/ },
  { line: "login {url} --name here", stdin: "{key}\n", reads: /as context here/ },
  { line: "context list", reads: /spare +http\S+\nhere +http\S+ +\* in use/ },
  { line: "context use spare", reads: /Using spare: http/ },
  { line: "logout", reads: /Forgot spare/ },
  { line: "context use here", reads: /Using here: http/ },

  { line: "status", reads: /^hive +state.*\nden +connected[^]*Nothing waits, 0 running\.\n$/ },
  { line: "check", reads: /^✓ / },
  { line: "hives list", reads: /den +connected +.* GiB +bee-tiny/ },
  { line: "hives get den", reads: /hive +den\nstate +connected\nversion[^]*devices +cpu / },
  { line: "hives status den", reads: /^den is up, round trip [\d.]+ ms\n$/ },
  { line: "hives check den", reads: /✓ .*\n✓ / },
  { line: "hives refresh den", reads: /cpu +.* GiB of / },
  {
    line: "hives token --label attic",
    reads: /token +rbj_\S+\n[^]*RBEE_JOIN_TOKEN=rbj_\S+ npm run hive -- --queen-url http/,
  },

  { line: "keys create laptop", reads: /id +(?<key_id>laptop-\w{6})\nscope +infer[^]*RBEE_API_KEY=rbk_\S+\n/ },
  { line: "keys list", reads: /\{key_id\} +infer +.* never +0 +0/ },
  { line: "keys revoke {key_id}", reads: /^\{key_id\} is worthless from now on/ },

  { line: "models search bees", reads: /org\/bees +Q4_K_M 2\.2 MiB +\d +mit +den/ },
  { line: "models pull org/bees --hive den", reads: /org\/bees:Q4_K_M is ready: 2\.2 MiB\n/ },
  { line: "models pull org/bees --hive den", reads: /^org\/bees:Q4_K_M is there already/ },
  { line: "models list --hive den", reads: /bee-tiny +2\.2 MiB[^]*org\/bees:Q4_K_M +2\.2 MiB/ },
  { line: "models get bee-tiny --hive den", reads: /memory +cpu: .* tokens of context, fits/ },
  { line: "models load bee-tiny --hive den --slots 1", reads: /(?<worker>worker-den-\d+) is ready: pid (?<pid>\d+)/ },
  { line: "models run org/bees", reads: /worker-den-\d+ is ready on cpu of den/ },
  { line: "models unload org/bees --hive den", reads: /unloaded/ },
  { line: "models rm org/bees --hive den", reads: /\(2\.2 MiB freed\)\n$/ },

  { line: "workers list", reads: /\{worker\} +den +bee-tiny +cpu +ready +0 of 1 busy/ },
  { line: "workers get {worker}", reads: /worker +\{worker\}/ },
  { line: "workers ps den", reads: /\{pid\} +\{worker\} +bee-tiny +cpu +ready/ },
  { line: "workers process {worker}", reads: /\{pid\} +\{worker\} +bee-tiny/ },
  { line: "workers spawn bee-tiny --hive den", reads: /(?<second>worker-den-\d+) is ready: pid \d+, port \d+\n$/ },
  { line: "workers stop {second} --drain-ms 0", reads: /stopped/ },
  { line: "workers spawn bee-tiny --hive den", reads: /(?<third>worker-den-\d+) is ready/ },
  { line: "workers retire {third}", reads: /gets nothing new/ },
  { line: "workers catalog den", reads: /cpu-llm-worker[^]*llama-server/ },
  { line: "workers offer llama-server --hive den", reads: /llama-server +\S+ +build/ },
  { line: "workers installed den", reads: /cpu-llm-worker .*came with the agent +used by \{worker\}/ },
  { line: "workers engine cpu-llm-worker --hive den", reads: /came with +the agent\nused by +\{worker\}/ },
  { line: "workers install cpu-llm-worker --hive den", reads: /^cpu-llm-worker \S+ is installed/ },
  { line: "workers build llama-server --hive den --backend cuda", reads: /error\[build_failed\]: .*nvcc/, code: 6 },
  {
    line: "workers uninstall cpu-llm-worker --hive den",
    reads: /error\[engine_in_use\]: .*\{worker\}.* use cpu-llm-worker/,
    code: 4,
  },

  { line: "infer --model bee-tiny --temperature 0", stdin: "What do bees eat?", reads: /^Bees eat nectar and pollen/ },
  { line: "infer --json --temperature 0 --max-tokens 3 Hello", reads: /^\{"text":".*"worker_id":"\{worker\}"/ },
  { line: "chat --model bee-tiny", stdin: "Hello!\nWho are you?\n/exit\n", reads: /\S.*\n\S/ },
  { line: "embed --model bee-tiny bees", reads: /^\[-?\d/ },
  { line: "queue", reads: /^Nothing waits\.\n$/ },
  { line: "jobs list --limit 200", reads: /(?<job>job_\w{26}) +infer/ },
  { line: "jobs get {job}", reads: /\{job\}[^]*succeeded/ },
  { line: "jobs stream {job}", reads: /\S/ },
  { line: "jobs cancel {job}", reads: /^\{job\} is succeeded\n$/ },
  { line: "usage --by model", reads: /bee-tiny +[\d,]+ +\d+/ },
  { line: "top --once", reads: /^rbee {2}1 of 1 hive, 1 worker, 0 running, 0 waiting/ },
  { line: "run hive_list", reads: /^\{\n {2}"hives": \[/ },

  { line: "jobs retry {job}", reads: /^(?<retried>job_\w{26})\n$/ },
  { line: "jobs stream {retried}", reads: /\S/ },

  { line: "keys create grafana --scope operator", reads: /(?<grafana>rbk_\S+)/ },
  { line: "status --url {url} --key {grafana}", reads: /den +connected/ },
  { line: "keys list", reads: /^key +scope.*\n(?<grafana_id>grafana-\w+) +operator/ },
  { line: "keys revoke {grafana_id}", reads: /grafana/ },
  {
    line: "status --url {url} --key {grafana}",
    reads: /error\[unauthorized\]/,
    code: 4,
    within_ms: limits.key_known_ms,
  },

  { line: "links register", reads: /Wrote \{home\}\/\S+rbee-links\.desktop/ },
  { line: "links open rbee://model?id=org/bees", reads: /^Opened \{url\}\/run\/org\/bees/ },
  { line: "links unregister", reads: /nobody's again/ },
  { line: "completion bash", reads: /complete -F/ },
  { line: "context rm here", reads: /Forgot here/ },
  // Where nobody is: where a queen is by default, one of somebody else's may be.
  { line: "status", url: "http://127.0.0.1:9", reads: /error\[unavailable\]/, code: 5 },
];
