/**
 * What every join has in common, however the device proved itself: it is written down, handed what
 * it is to live by, and waited for until it has come back as that, has its keys, and answers. Each
 * step has a name, and where it fails, a reason and what to do next. Done once more for the same
 * device it goes on where it was.
 */
import { COMMANDER, RECEIVER, type Scope, type ScopeEntry } from "../../modules/access/scope.js";
import {
  admitJoiner,
  askWord,
  expectJoiner,
  type JoinerProof,
  joinersIn,
  managerId,
  type Pending,
  pinKey,
  silentIn,
} from "../../modules/authority/joiners.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { devices } from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { CBOR, CHANGED, POST, PUT, TEXT_PLAIN } from "../../modules/coap/options.js";
import { levelBy } from "../../modules/commission/joined.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import { provisioningOf, type SenderGroup } from "../sender/file.js";
import { type Authority, random } from "./authority.js";
import type { DeviceSide } from "./device-side.js";
import { Fault } from "./fault.js";
import { deviceOf, MEMBER_LEVEL, missingIn, NEXT, saidBy, WHY } from "./join-parts.js";
import { isName } from "./names.js";
import type { Found } from "./seek.js";
import { centerOf, groupsIn } from "./senders.js";

/** What it is to be. */
export interface JoinWish {
  readonly name?: string | undefined;
  /** Names of groups. */
  readonly groups: readonly string[];
  /** EUI-64 of the device whose groups and rights it gets in place of those. */
  readonly like?: string | undefined;
}

export interface Joining {
  readonly ok: boolean;
  readonly device?: { readonly eui64: string; readonly name: string; readonly clientId: string };
  readonly steps: readonly { readonly step: string; readonly said: string }[];
  readonly failure?: { readonly step: string; readonly why: string; readonly next: string };
}

/** Where it is done. */
export interface JoinPlace {
  readonly authority: Authority;
  readonly side: DeviceSide;
  /** How devices reach this authority. */
  readonly at: string;
  readonly say: (line: string) => void;
}

/** A device that showed who it is. */
export interface Proven {
  readonly device: Found;
  readonly proof: JoinerProof;
  /** SHA-256 of its factory key, where that was the proof. */
  readonly key?: Uint8Array;
  /** For the log. */
  readonly how: string;
  readonly ask: (ask: Ask) => Promise<Answered>;
}

const BACK_MS = 60_000;
const LOOK_MS = 200;
const BLINK_SECONDS = 2;

/** With what to do next. */
export class Failed extends Error {
  readonly next: string;

  constructor(why: string, next: string) {
    super(why);
    this.next = next;
  }
}

/** A text/plain request to blink. */
export function blinking(seconds: number): Ask {
  return { method: PUT, path: ["idn"], format: TEXT_PLAIN, payload: utf8(`${seconds}`) };
}

export class JoinFlow {
  readonly place: JoinPlace;
  readonly #wish: JoinWish;
  readonly #steps: { step: string; said: string }[] = [];
  #step = "";
  #device: Joining["device"];

  constructor(place: JoinPlace, wish: JoinWish) {
    this.place = place;
    this.#wish = wish;
  }

  /** `begin` gives the credential under which the device will come back. */
  async run(begin: () => Promise<Uint8Array>): Promise<Joining> {
    try {
      const { role } = this.place.authority.identity;
      if (role !== "both") throw new Fault("devices are joined where AS and KDC are one program");
      const identity = await begin();
      await this.#comeBack(identity);
      await this.#keys(identity);
      await this.#light(identity);
      return { ok: true, ...this.#told() };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const next = error instanceof Failed ? error.next : "mend that, and join again";
      const isOurs = error instanceof Failed || error instanceof Fault;
      const isKnown = isOurs || Object.getPrototypeOf(error) === Error.prototype;
      if (!isKnown) throw error;
      const failure = { step: this.#step, why: error.message, next };
      return { ok: false, ...this.#told(), failure };
    }
  }

  #told() {
    return { ...(this.#device && { device: this.#device }), steps: this.#steps };
  }

  begin(step: string): void {
    this.#step = step;
  }

  done(said: string): void {
    this.#steps.push({ step: this.#step, said });
    this.place.say(`${this.#step}: ${said}`);
  }

  /** Of a device that was handed what it needs before; undefined for one that was not. */
  async credentialOf(eui64: string): Promise<Uint8Array | undefined> {
    return this.place.authority.read((rows) => {
      const joiner = joinersIn(rows).find((one) => toHex(one.eui64) === eui64);
      const device = devices.get(rows, eui64);
      const known = joiner ?? (device?.isLost === true ? undefined : device);
      if (known === undefined) return undefined;
      const { name, clientId } = known;
      this.#device = { eui64, name, clientId: toHex(clientId) };
      return joiner === undefined ? device?.credential : fromHex(joiner.credential);
    });
  }

  /** The credential under which it will come back. */
  async handOver(proven: Proven): Promise<Uint8Array> {
    this.begin("enter");
    const { pending, blob } = await this.#enter(proven);
    this.done(`${this.#device?.name} is client ${toHex(pending.clientId)}, pending`);
    this.begin("hand over");
    const payload = blob;
    const answer = await proven.ask({ method: POST, path: ["join"], format: CBOR, payload });
    if (answer.ok && answer.response.code !== CHANGED) {
      throw new Failed(`it refuses: ${saidBy(answer.response)}`, NEXT.again);
    }
    if (!answer.ok && answer.why === "closed") throw new Failed(WHY.race, NEXT.race);
    if (answer.ok) await this.#admit(pending.identity);
    this.done(answer.ok ? "it has it in flash" : "its answer got lost; it may have it");
    return pending.identity;
  }

  /** In the log, with who said so, before anything leaves. */
  async #enter(proven: Proven): Promise<{ pending: Pending; blob: Uint8Array }> {
    const { authority, at, side } = this.place;
    const { device, how } = proven;
    const { groups: names } = this.#wish;
    const what = `join ${device.eui64} ${how}${names.map((one) => ` ${one}`).join("")}`;
    const entered = await authority.decide(what, (rows) => this.#decide(rows, proven, at));
    const { pending, name } = entered;
    this.#device = { eui64: device.eui64, name, clientId: toHex(pending.clientId) };
    await side.changed();
    return entered;
  }

  #decide(rows: Rows, { device, proof, key }: Proven, server: string) {
    const { authority } = this.place;
    const eui64 = fromHex(device.eui64);
    const isLamp = device.role === "luminaire";
    const role = (ROLE_NAMES.indexOf(device.role) + 1) as 1 | 2 | 3 | 4;
    const known = devices.get(rows, device.eui64)?.name;
    const name = this.#wish.name ?? known ?? `${device.role}-${device.eui64.slice(-4)}`;
    if (!isName(name)) throw new Failed(`${name} is no name`, "give another --name");
    if (key !== undefined) pinKey(rows, eui64, key);
    const all = groupsIn(rows);
    const scope = this.#scope(rows, all, isLamp ? RECEIVER : COMMANDER);
    const wanted = { eui64, name, role, scope, proof, by: "operator" } as const;
    const pending = expectJoiner(rows, wanted, { random, now: authority.now() });
    const own = all.filter((one) => pending.scope.some((entry) => entry.appGroup === one.number));
    if (!isLamp && own.length === 0) {
      throw new Failed(`a ${device.role} commands a group`, "say which one: --group NAME");
    }
    const ids = { eui64: device.eui64, clientId: toHex(pending.clientId) };
    const secret = { identity: toHex(pending.identity), psk: toHex(pending.secret) };
    const target = scope[0]?.appGroup ?? own[0]?.number;
    const file = { name, ...ids, ...secret, kdc: centerOf(authority, server), server, groups: own };
    const manager = { id: managerId(rows), level: levelBy(proof) };
    const aim = isLamp ? {} : { target };
    const blob = provisioningOf(file, { role, groups: own, ...aim, manager });
    return { pending, blob, name };
  }

  #scope(rows: Rows, all: readonly SenderGroup[], roles: number): Scope {
    const { groups: names, like } = this.#wish;
    if (like === undefined) return scopeOf(all, names, roles);
    const { scope, name } = devices.need(rows, like);
    const own = scope.filter(({ appGroup }) => appGroup !== null);
    if (own.every((entry) => (entry.roles & roles) !== 0)) return own;
    throw new Failed(`${name} is of another kind`, "take a device of the same kind");
  }

  async #admit(identity: Uint8Array): Promise<void> {
    const { authority, side } = this.place;
    const what = `${this.#device?.name} has joined`;
    await authority.decide(what, (rows) => {
      admitJoiner(rows, identity);
    });
    await side.changed();
  }

  async #comeBack(identity: Uint8Array): Promise<void> {
    this.begin("come back");
    await this.#until(
      () => Promise.resolve(this.place.side.heardAt(toHex(identity)) !== null),
      WHY.silent,
      `see that it has power, and reaches ${this.place.at}; then ${NEXT.again}`,
    );
    this.done("it opened a channel with its own credential");
  }

  async #keys(identity: Uint8Array): Promise<void> {
    this.begin("keys");
    const { authority } = this.place;
    const note = { by: "authority", what: `${this.#device?.name} is to confirm its keys` };
    let left: readonly string[] = [];
    await this.#until(
      async () => {
        const { missing, silent } = await authority.read((rows) => lookedUp(rows, identity));
        left = missing;
        if (silent !== undefined) {
          await authority.ledger.transaction((rows) => askWord(rows, silent), note);
        }
        return left.length === 0;
      },
      () => `it has not confirmed the key of ${left.join(", ")}`,
      `lumicast device show ${this.#device?.name}; then ${NEXT.again}`,
    );
    const count = await authority.read((rows) => deviceOf(rows, identity)?.scope.length ?? 0);
    this.done(count === 0 ? "it is in no group yet" : "it has those of its groups");
  }

  async #light(identity: Uint8Array): Promise<void> {
    this.begin("light");
    const { side, authority } = this.place;
    const client = await authority.read((rows) => deviceOf(rows, identity)?.clientId);
    if (client === undefined) throw new Failed("it is no device of ours", NEXT.again);
    const answer = await side.ask(client, blinking(BLINK_SECONDS));
    // Who has no lamp says so, and that is an answer as well.
    const code = answer.ok ? answer.response.code : undefined;
    if (code === undefined) throw new Failed(WHY.mute, NEXT.again);
    this.done(code === CHANGED ? "it blinks" : "it answers");
  }

  async #until(isSo: () => Promise<boolean>, why: string | (() => string), next: string) {
    const until = Date.now() + BACK_MS;
    while (!(await isSo())) {
      if (Date.now() > until) throw new Failed(typeof why === "string" ? why : why(), next);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

/** `silent`: of whom nobody knows yet whether what he was given has arrived. */
function lookedUp(rows: Rows, identity: Uint8Array) {
  const missing = missingIn(rows, identity);
  const client = deviceOf(rows, identity)?.clientId;
  const isSilent = missing.length > 0 && client && silentIn(rows, client).length > 0;
  return { missing, silent: isSilent ? client : undefined };
}

function scopeOf(all: readonly SenderGroup[], names: readonly string[], roles: number): Scope {
  return names.map((name): ScopeEntry => {
    const group = all.find((one) => one.name === name);
    if (group === undefined) {
      throw new Failed(`there is no group ${name}`, `lumicast group create ${name} --address ...`);
    }
    return { appGroup: group.number, level: MEMBER_LEVEL, roles };
  });
}
