import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileDamaged, FileInUse, NodeSql } from "./node-sql.ts";

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "rbee-sql-"))));
afterEach(() => rmSync(dir, { recursive: true }));

describe("a database file", () => {
  test("a transaction is all or nothing, also inside another", () => {
    const sql = new NodeSql(":memory:");
    sql.exec("CREATE TABLE t (n INTEGER)");
    const fail = () =>
      sql.transaction(() => {
        sql.exec("INSERT INTO t VALUES (1)");
        sql.transaction(() => sql.exec("INSERT INTO t VALUES (2)"));
        throw new Error("no");
      });
    expect(fail).toThrow("no");
    expect(sql.exec("SELECT n FROM t")).toEqual([]);
  });

  test("[AGENT-18] has one owner; a killed owner leaves it free, with everything it had committed", async () => {
    const file = join(dir, "journal.db");
    const module = fileURLToPath(new URL("node-sql.ts", import.meta.url));
    const program = `
      const { NodeSql } = await import(${JSON.stringify(module)});
      const sql = new NodeSql(${JSON.stringify(file)});
      sql.exec("CREATE TABLE t (n INTEGER)");
      sql.exec("INSERT INTO t VALUES (7)");
      console.log("there");
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ["--input-type=module", "--no-warnings", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(owner.stdout, "data");
    expect(() => new NodeSql(file)).toThrow(FileInUse);
    owner.kill("SIGKILL");
    await once(owner, "exit");
    const sql = new NodeSql(file);
    expect(sql.exec("SELECT n FROM t")).toEqual([{ n: 7 }]);
    sql.close();
  });

  test("what is no database is said to be damaged", () => {
    const file = join(dir, "journal.db");
    writeFileSync(file, "x".repeat(8_192));
    expect(() => new NodeSql(file)).toThrow(FileDamaged);
  });
});
