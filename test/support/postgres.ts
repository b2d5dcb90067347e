/** A PostgreSQL server of our own, in a folder of its own, on a unix socket there. */
import { spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POSTGRES_BIN } from "../../hosts/tools.js";

export class PostgresServer {
  readonly url: string;
  readonly #folder: string;

  /** Throws an Error with the server's words when it does not start. */
  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "lumicast-pg-"));
    // It refuses to run as root.
    if (process.getuid?.() === 0) chownSync(this.#folder, idOf("-u"), idOf("-g"));
    this.#run("initdb", "-D", "data", "-A", "trust", "-U", "lumicast", "--no-sync");
    const options = `-k ${this.#folder} -c listen_addresses='' -c fsync=off`;
    this.#run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start");
    this.url = `postgres://lumicast@/postgres?host=${encodeURIComponent(this.#folder)}`;
  }

  stop(): void {
    this.#run("pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop");
    rmSync(this.#folder, { recursive: true });
  }

  #run(program: string, ...args: string[]): void {
    const path = join(POSTGRES_BIN ?? "", program);
    const asOwner = process.getuid?.() === 0 ? ["runuser", "-u", "postgres", "--"] : [];
    const [first, ...rest] = [...asOwner, path, ...args];
    // pg_ctl's server keeps what it inherits open: no pipe, or this would wait for its end.
    const stdio = program === "pg_ctl" ? "ignore" : "pipe";
    const done = spawnSync(first, rest, { cwd: this.#folder, stdio, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`${program}: ${done.stderr ?? "look into its log"}`);
  }
}

function idOf(which: "-u" | "-g"): number {
  return Number(spawnSync("id", [which, "postgres"], { encoding: "utf8" }).stdout);
}
