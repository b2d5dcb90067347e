/**
 * An authority on this computer, opened: its key, its ledger, its log. One program at a time has it
 * open; others reach that program over its socket (control.ts).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync } from "node:fs";
import type { TrustAnchor } from "../../modules/access/token.js";
import type { Center } from "../../modules/authority/distribution.js";
import type { Listening } from "../../modules/authority/heard.js";
import type { Rows, Store } from "../../modules/authority/ledger.js";
import { headOf, isSignedBy, LoggedLedger, type Note } from "../../modules/authority/log.js";
import { latestOf, numberKey } from "../../modules/authority/records.js";
import { type Skipped, skipUsed } from "../../modules/authority/restore.js";
import type { Issuer } from "../../modules/authority/server.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { decodeList } from "../../modules/cbor/containers.js";
import type { OwnKey } from "../../modules/dtls/credentials.js";
import { EDDSA, type P256KeyPair, type Signer } from "../../modules/ports/crypto.js";
import type { Random } from "../../modules/ports/random.js";
import { claimsSet } from "../installation/claims-set.js";
import { beginningWith, type Contents } from "./backup.js";
import { Chance } from "./chance.js";
import { NodeCrypto } from "./crypto.js";
import { Fault } from "./fault.js";
import { type Card, type Identity, readIdentity } from "./identity.js";
import { PostgresLedger } from "./postgres.js";
import { SqliteLedger } from "./sqlite.js";
import type { State } from "./state.js";

const KID_BYTES = 8;
/** What a computer's clock may be behind before it counts as set back. */
export const CLOCK_SLACK_SECONDS = 300;

type Kept = Store & { close(): unknown };

export interface OpenOptions {
  /** Another database than the one in the key file. */
  readonly database?: string | undefined;
  /** Begins the ledger. */
  readonly create?: boolean;
  /** Takes the ledger as it is, for those who look for what is wrong with it. */
  readonly unchecked?: boolean;
}

export const random: Random = new Chance();

export class Authority {
  readonly state: State;
  readonly identity: Identity;
  readonly crypto = new NodeCrypto();
  readonly ledger: LoggedLedger;
  readonly signer: Signer;
  /** Its end of channels to other authorities. */
  readonly channel: P256KeyPair;
  /** With its certificates, where it has any. */
  readonly own: OwnKey;
  readonly notes = new AsyncLocalStorage<Note>();
  /** Who listens to its groups, while it runs. */
  listening: Listening | undefined = undefined;
  readonly #store: Kept;

  private constructor(state: State, identity: Identity, store: Kept) {
    this.state = state;
    this.identity = identity;
    this.#store = store;
    this.signer = this.crypto.signatures.signer(identity.signing.slice());
    this.channel = this.crypto.p256.keyPair(identity.channel.slice());
    this.own = { key: this.channel, chain: (identity.chain ?? []).map(fromHex) };
    this.ledger = this.#logged(store);
  }

  #logged(store: Store): LoggedLedger {
    return new LoggedLedger(store, {
      crypto: this.crypto,
      signer: this.signer,
      now: () => this.now(),
      note: () => this.notes.getStore() ?? { by: "authority", what: "" },
    });
  }

  /** Throws a Fault, or the ledger's Error, that says what to do. */
  static async open(state: State, options: OpenOptions = {}): Promise<Authority> {
    state.check();
    const identity = readIdentity(state.key);
    const store = await openStore(state, identity, options);
    const authority = new Authority(state, identity, store);
    try {
      if (options.unchecked !== true && options.create !== true) await authority.#check();
    } catch (error) {
      await store.close();
      throw error;
    }
    return authority;
  }

  get name(): string {
    return nameOf(this.identity);
  }

  get kid(): Uint8Array {
    return kidOf(this.crypto.sha256(this.signer.publicKey));
  }

  /** As an AS, or as a KDC: they are told apart by name. */
  issuer(as: "as" | "kdc"): Issuer {
    const { crypto, signer, kid } = this;
    const name = `${this.identity.domain}/${as}`;
    return { crypto, name, voucher: { alg: EDDSA, signer }, kid };
  }

  get center(): Center {
    return {
      ...this.issuer("kdc"),
      random,
      anchors: this.anchors("as"),
      domain: this.identity.domain,
      managerCredential: claimsSet(this.signer.publicKey),
      ...(this.listening === undefined ? {} : { listening: this.listening }),
    };
  }

  /** Whose tokens are taken here: our own, and those of who is trusted. */
  anchors(as: "as" | "kdc"): TrustAnchor[] {
    const { publicKey } = this.signer;
    const { domain, trusts } = this.identity;
    const own: TrustAnchor = { issuer: `${domain}/${as}`, kid: this.kid, alg: EDDSA, publicKey };
    const others = trusts
      .filter(({ role }) => role === as || role === "both")
      .map((card): TrustAnchor => {
        const key = fromHex(card.signing);
        const kid = kidOf(this.crypto.sha256(key));
        return { issuer: `${card.domain}/${as}`, kid, alg: EDDSA, publicKey: key };
      });
    const isOwn = this.identity.role === "both" || this.identity.role === as;
    return isOwn ? [own, ...others] : others;
  }

  get card(): Card {
    const { role, domain } = this.identity;
    const signing = toHex(this.signer.publicKey);
    return { role, name: this.name, domain, signing, channel: toHex(this.channel.publicKey) };
  }

  now(): number {
    return Math.floor(Date.now() / 1000);
  }

  /** A decision that an operator asked for, with a line of its own in the log. */
  decide<T>(what: string, decision: (rows: Rows) => T): Promise<T> {
    return this.ledger.transaction(decision, { by: "operator", what });
  }

  /** Looks, changes nothing. */
  read<T>(decision: (rows: Rows) => T): Promise<T> {
    return this.ledger.read(decision);
  }

  /** The rows of a backup in place of what there is, all or nothing. */
  async begin(content: Contents["rows"], isReplaced: boolean): Promise<Skipped> {
    const ledger = this.#logged(beginningWith(this.#store, content, isReplaced));
    const note = { by: "operator", what: "restore" };
    const { center } = this;
    const skipped = await ledger.transaction((rows) => skipUsed(rows, center, this.now()), note);
    if (ledger.latest !== undefined) this.state.see(ledger.latest);
    return skipped;
  }

  /** Notes the time, against a clock that is set back later. */
  async touch(): Promise<void> {
    await this.ledger.transaction((rows) => latestOf(rows, "clock", this.now()));
    this.see();
  }

  /** Notes how far the log is written, where an older database will be held against it. */
  see(): void {
    const { latest } = this.ledger;
    const seen = this.state.seen();
    if (latest !== undefined && latest.count > (seen?.count ?? 0)) this.state.see(latest);
  }

  async close(): Promise<void> {
    try {
      this.see();
    } catch {
      // A full disk. What is noted there is behind then, and still true.
    }
    await this.#store.close();
  }

  async #check(): Promise<void> {
    const { head, entry, latest } = await this.read((rows) => ({
      head: headOf(rows),
      entry: rows.get("log", numberKey(this.state.seen()?.count ?? 0)),
      latest: latestSeen(rows),
    }));
    const seen = this.state.seen();
    if (!isSignedBy({ crypto: this.crypto, publicKey: this.signer.publicKey }, head))
      throw new Fault(foreignText(this));
    if (seen !== undefined) {
      const isSame = entry !== undefined && equalBytes(this.crypto.sha256(entry), seen.hash);
      const isOlder = head.count < seen.count || !isSame;
      if (isOlder) throw new Fault(olderText(this));
    }
    const behind = latest - this.now();
    const isBack = behind > CLOCK_SLACK_SECONDS;
    if (isBack) throw new Fault(clockText(behind));
  }
}

async function openStore(state: State, identity: Identity, options: OpenOptions): Promise<Kept> {
  const create = options.create === true;
  const url = options.database ?? identity.database;
  if (url !== undefined) return PostgresLedger.open(url, { create });
  if (!create && !existsSync(state.database)) {
    throw new Fault(`${state.database} is missing; restore a backup: lumicast restore FILE`);
  }
  return new SqliteLedger(state.database, { create });
}

/** The latest time that this ledger was used at, as far as its clocks knew. */
export function latestSeen(rows: Rows): number {
  const value = rows.get("authority", "clock");
  const [time] = (value && decodeList(value)) ?? [];
  return typeof time === "number" ? time : 0;
}

function foreignText({ state, identity }: Authority): string {
  const where = identity.database === undefined ? state.database : "the database";
  return (
    `${where} is another authority's, or its log was changed: ${state.key} did not sign it. ` +
    "Put together what belongs together, or restore a backup: lumicast restore FILE --replace"
  );
}

function olderText({ state }: Authority): string {
  return (
    "the database is older than what this authority has written: keys and numbers that were " +
    "given would be given again. Put the newest one back; if it is lost, restore a backup, " +
    `which skips them: lumicast restore FILE --replace (${state.head} says how far it was)`
  );
}

function clockText(behind: number): string {
  return (
    `this computer's clock is ${behind} s behind the last time it was used here, so ` +
    "what expired would be taken as valid. Set it right: timedatectl set-ntp true " +
    "(if it was ahead before, restore a backup from before that)"
  );
}

export function nameOf({ domain, role }: Identity): string {
  return role === "both" ? domain : `${domain}/${role}`;
}

export function kidOf(digest: Uint8Array): Uint8Array {
  return digest.slice(0, KID_BYTES);
}
