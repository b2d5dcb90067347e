/**
 * The folder that one authority keeps everything in, `--state DIR`:
 *
 *   authority.key    who it is (identity.ts); also where its database is, if that is PostgreSQL
 *   authority.db     its ledger, otherwise
 *   authority.head   how far its log was written: kept apart, so that an older database is noticed
 *   authority.sessions   DTLS sessions with who was here (sessions.ts)
 *   authority.oscore     numbers of contexts with other authorities (pairs.ts)
 *   authority.web        hash of the page's password (hosts/web/password.ts)
 *   authority.floor      the picture under its floor plan
 *   authority.sock   where a running one listens to commands (control.ts)
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Head, headText } from "../../modules/authority/log.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { Fault } from "./fault.js";
import { checkRights, writeSecret } from "./identity.js";

export class State {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get key(): string {
    return join(this.folder, "authority.key");
  }

  get database(): string {
    return join(this.folder, "authority.db");
  }

  get head(): string {
    return join(this.folder, "authority.head");
  }

  get sessions(): string {
    return join(this.folder, "authority.sessions");
  }

  get pairs(): string {
    return join(this.folder, "authority.oscore");
  }

  get webPassword(): string {
    return join(this.folder, "authority.web");
  }

  get floorPicture(): string {
    return join(this.folder, "authority.floor");
  }

  get socket(): string {
    return join(this.folder, "authority.sock");
  }

  /** Throws a Fault where others may look into it. */
  check(): void {
    if (!existsSync(this.folder)) {
      throw new Fault(
        `there is no authority in ${this.folder}; begin one: lumicast authority init, ` +
          "say where yours is: --state DIR, or restore a backup: lumicast restore FILE",
      );
    }
    checkRights(this.folder);
  }

  make(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    checkRights(this.folder);
  }

  /** How far the log was known to be written; undefined before anything was. */
  seen(): Head | undefined {
    if (!existsSync(this.head)) return undefined;
    const [, count, hash] = /^(\d+) ([0-9a-f]{64})\n$/.exec(readFileSync(this.head, "utf8")) ?? [];
    if (hash === undefined) {
      throw new Fault(
        `${this.head} is damaged; look at lumicast log --verify, then delete that file`,
      );
    }
    return { count: Number(count), hash: fromHex(hash) };
  }

  see(head: Head): void {
    writeSecret(this.head, `${headText(head)}\n`);
  }
}

/** `--state`, `$LUMICAST_STATE`, or `.lumicast` in the home folder. */
export function stateOf(option: string | undefined): State {
  return new State(option ?? process.env.LUMICAST_STATE ?? join(homedir(), ".lumicast"));
}
