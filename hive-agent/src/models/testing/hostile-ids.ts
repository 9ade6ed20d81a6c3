/** Ids that no model may have, `count` different ones: the same every time. */
export function hostileIds(count: number): string[] {
  const targets = [
    "etc/passwd",
    "x",
    "root/.ssh/id_rsa",
    "models.db",
    "journal.db",
    "credential.json",
    "Windows/System32/x.gguf",
    "proc/self/environ",
    "bee.gguf",
    "...",
  ];
  const wraps: ((target: string, n: number) => string)[] = [
    (target, n) => "../".repeat(n) + target,
    (target, n) => `org/${"../".repeat(n)}${target}`,
    (target, n) => `org/repo/${"../".repeat(n)}${target}`,
    (target, n) => "..\\".repeat(n) + target,
    (target, n) => "/".repeat(n) + target,
    (target, n) => "./".repeat(n) + target,
    (target, n) => `~${"/".repeat(n)}${target}`,
    (target, n) => `C:${"\\".repeat(n)}${target}`,
    (target, n) => `org/re${"\0".repeat(n)}po/${target}`,
    (target, n) => `${target}${"\n".repeat(n)}`,
    (target, n) => `${"%2e%2e%2f".repeat(n)}${target}`,
    (target, n) => `org/repo:${"../".repeat(n)}${target}`,
    (target, n) => `hf:${"../".repeat(n)}${target}`,
    (target, n) => `org//repo/${"a/".repeat(n)}/${target}`,
    (target, n) => `-${"-".repeat(n)}${target}`,
    (target, n) => `\\\\host\\${"share\\".repeat(n)}${target}`,
    (target, n) => `${"\u202e".repeat(n)}org/${target}`,
    (target, n) => `org/repo;${"rm -rf ".repeat(n)}${target}`,
    (target, n) => `$(${"x".repeat(n)})/${target}`,
    (target, n) => `${"a".repeat(257 + n)}/${target}`,
    (target, n) => `data:${",".repeat(n)}${target}`,
    (target, n) => `javascript:${"/".repeat(n)}${target}`,
  ];
  const ids = new Set<string>();
  for (let n = 1; ids.size < count; n += 1) {
    for (const wrap of wraps) for (const target of targets) if (ids.size < count) ids.add(wrap(target, n));
  }
  return [...ids];
}
