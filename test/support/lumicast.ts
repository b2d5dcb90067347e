/** The `lumicast` command for a test: in this process, on a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../hosts/authority/cli.js";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder with state folders in it; gone with `remove`. */
export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), "lumicast-"));

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A file only its owner can read; its path. */
  secret(name: string, content: string): string {
    const path = this.path(name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  async run(...args: readonly string[]): Promise<Ran> {
    let out = "";
    let err = "";
    const code = await run(args, {
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
    });
    return { code, out, err };
  }

  /** Of a command that has to work, as JSON. */
  async json<T = Record<string, unknown>>(...args: readonly string[]): Promise<T> {
    const { code, out, err } = await this.run(...args, "--json");
    if (code !== 0) throw new Error(`${args.join(" ")}: ${err}${out}`);
    return JSON.parse(out) as T;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** EUI-64 of the device of this number. */
export function euiOf(at: number): string {
  return at.toString(16).padStart(16, "0");
}

/** What a factory ships: `count` lamps with a key each. */
export function shipped(count: number): string {
  const list = Array.from({ length: count }, (_, at) => ({
    eui64: euiOf(at + 1),
    name: `lamp-${at + 1}`,
    psk: (at + 1).toString(16).padStart(32, "0"),
  }));
  return JSON.stringify(list);
}
