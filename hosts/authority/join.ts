/**
 * Joins a fresh device by its label: finds it, proves to it that we have the label, writes it down,
 * hands it what it is to live by, and waits until it has come back as that, has its keys, and
 * answers. Each step has a name, and where it fails, a reason and what to do next. Done once more
 * for the same device it goes on where it was.
 */
import { RECEIVER, type Scope, type ScopeEntry, SENDER } from "../../modules/access/scope.js";
import {
  admitJoiner,
  expectJoiner,
  joinersIn,
  managerId,
  type Pending,
} from "../../modules/authority/joiners.js";
import { devices } from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { CBOR, CHANGED, CONTENT, GET, POST, PUT, TEXT_PLAIN } from "../../modules/coap/options.js";
import { parseLabel } from "../../modules/commission/label.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import { provisioningOf, type SenderGroup } from "../sender/file.js";
import { type Authority, random } from "./authority.js";
import type { DeviceSide } from "./device-side.js";
import { Fault } from "./fault.js";
import { Finder } from "./finding.js";
import {
  deviceOf,
  MANAGER_LEVEL,
  MEMBER_LEVEL,
  missingIn,
  NEXT,
  proofOf,
  saidBy,
  WHY,
} from "./join-parts.js";
import { isName } from "./names.js";
import type { Found } from "./seek.js";
import { centerOf, groupsIn } from "./senders.js";

export interface JoinArgs {
  /** As printed; never said again. */
  readonly label: string;
  readonly name?: string | undefined;
  /** Names of groups. */
  readonly groups: readonly string[];
}

export interface Joining {
  readonly ok: boolean;
  readonly device?: { readonly eui64: string; readonly name: string; readonly clientId: string };
  readonly steps: readonly { readonly step: string; readonly said: string }[];
  readonly failure?: { readonly step: string; readonly why: string; readonly next: string };
}

/** Answers are spread over two seconds. */
const FIND_MS = 6000;
/** Guesses at devices that answer, where the code does not say which one it is of. */
const TRIED_MAX = 10;
const BACK_MS = 60_000;
const LOOK_MS = 200;
const BLINK_SECONDS = "2";

class Failed extends Error {
  readonly next: string;

  constructor(why: string, next: string) {
    super(why);
    this.next = next;
  }
}

/** Where it is done. */
export interface JoinPlace {
  readonly authority: Authority;
  readonly side: DeviceSide;
  /** How devices reach this authority. */
  readonly at: string;
  readonly say: (line: string) => void;
}

export async function joinByLabel(place: JoinPlace, args: JoinArgs): Promise<Joining> {
  const flow = new Flow(place, args);
  return flow.run();
}

interface Known {
  readonly printed: Uint8Array;
  readonly eui64: string | undefined;
}

interface Proven {
  readonly device: Found;
  readonly ask: (ask: Ask) => Promise<Answered>;
}

class Flow {
  readonly #place: JoinPlace;
  readonly #args: JoinArgs;
  readonly #steps: { step: string; said: string }[] = [];
  #step = "label";
  #device: Joining["device"];

  constructor(place: JoinPlace, args: JoinArgs) {
    this.#place = place;
    this.#args = args;
  }

  async run(): Promise<Joining> {
    try {
      await this.#all();
      return { ok: true, ...this.#told() };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const next = error instanceof Failed ? error.next : "mend that, and join again";
      const isOurs = error instanceof Failed || error instanceof Fault;
      const isKnown = isOurs || Object.getPrototypeOf(error) === Error.prototype;
      if (!isKnown) throw error;
      return {
        ok: false,
        ...this.#told(),
        failure: { step: this.#step, why: error.message, next },
      };
    }
  }

  #told() {
    return { ...(this.#device && { device: this.#device }), steps: this.#steps };
  }

  async #all(): Promise<void> {
    const { authority } = this.#place;
    const { role } = authority.identity;
    if (role !== "both") throw new Fault("devices are joined where AS and KDC are one program");
    const label = parseLabel(authority.crypto, this.#args.label);
    if (!label.ok) throw new Failed(label.why, "type it again, or scan the QR code");
    this.#done("it reads well");
    const finder = await Finder.open(authority, this.#place.side.network());
    let identity: Uint8Array;
    try {
      identity = await this.#handOver(finder, label);
    } finally {
      finder.close();
    }
    await this.#comeBack(identity);
    await this.#keys(identity);
    await this.#light(identity);
  }

  #done(said: string): void {
    this.#steps.push({ step: this.#step, said });
    this.#place.say(`${this.#step}: ${said}`);
  }

  /** The credential under which it will come back. */
  async #handOver(finder: Finder, label: Known): Promise<Uint8Array> {
    this.#step = "find";
    const { eui64 } = label;
    const found = await finder.find(FIND_MS, (one) => one.eui64 === eui64);
    const wanted = found.filter((one) => eui64 === undefined || one.eui64 === eui64);
    if (wanted.length === 0) {
      const before = eui64 && (await this.#credentialOf(eui64));
      if (before) {
        this.#done("it does not wait to be joined: it was handed what it needs before");
        return before;
      }
      throw new Failed(
        eui64 === undefined ? "no fresh device is open here" : `${eui64} is not open here`,
        NEXT.press,
      );
    }
    this.#done(wanted.map((one) => `${one.role} ${one.eui64}`).join(", "));
    this.#step = "prove";
    const proven = await this.#prove(finder, label.printed, wanted);
    this.#done(`${proven.device.eui64} has this label`);
    this.#step = "enter";
    const { pending, blob } = await this.#enter(proven.device);
    this.#done(`${this.#device?.name} is client ${toHex(pending.clientId)}, pending`);
    this.#step = "hand over";
    const payload = blob;
    const answer = await proven.ask({ method: POST, path: ["join"], format: CBOR, payload });
    if (answer.ok && answer.response.code !== CHANGED) {
      throw new Failed(`it refuses: ${saidBy(answer.response)}`, NEXT.again);
    }
    if (answer.ok) await this.#admit(pending.identity);
    this.#done(answer.ok ? "it has it in flash" : "its answer got lost; it may have it");
    return pending.identity;
  }

  async #prove(finder: Finder, printed: Uint8Array, all: readonly Found[]): Promise<Proven> {
    const { crypto } = this.#place.authority;
    for (const device of all.slice(0, TRIED_MAX)) {
      const psk = proofOf(crypto, printed, device);
      if (psk === undefined) continue;
      const ask = (question: Ask) => finder.ask(device, { psk }, question);
      const answer = await ask({ method: GET, path: ["join"] });
      if (answer.ok && answer.response.code === CONTENT) return { device, ask };
    }
    throw new Failed(all.length === 1 ? WHY.label : "none of them knows this label", NEXT.label);
  }

  async #credentialOf(eui64: string): Promise<Uint8Array | undefined> {
    const { authority } = this.#place;
    return authority.read((rows) => {
      const joiner = joinersIn(rows).find((one) => toHex(one.eui64) === eui64);
      const device = devices.get(rows, eui64);
      const known = joiner ?? (device?.isLost === true ? undefined : device);
      if (known === undefined) return undefined;
      const { name, clientId } = known;
      this.#device = { eui64, name, clientId: toHex(clientId) };
      return joiner === undefined ? device?.credential : fromHex(joiner.credential);
    });
  }

  /** In the log, with who said so, before anything leaves. */
  async #enter(device: Found): Promise<{ pending: Pending; blob: Uint8Array }> {
    const { authority, at } = this.#place;
    const { groups } = this.#args;
    const number = ROLE_NAMES.indexOf(device.role) + 1;
    const what = `join ${device.eui64} by its label${groups.map((one) => ` ${one}`).join("")}`;
    const server = at;
    const kdc = centerOf(authority, server);
    const entered = await authority.decide(what, (rows) => {
      const eui64 = fromHex(device.eui64);
      const known = devices.get(rows, device.eui64)?.name;
      const name = this.#args.name ?? known ?? `${device.role}-${device.eui64.slice(-4)}`;
      if (!isName(name)) throw new Failed(`${name} is no name`, "give another --name");
      const all = groupsIn(rows);
      const scope = scopeOf(all, groups, device.role === "luminaire" ? RECEIVER : SENDER);
      const wanted = { eui64, name, role: number, scope, proof: "label", by: "operator" } as const;
      const pending = expectJoiner(rows, wanted, { random, now: authority.now() });
      const own = all.filter((one) => pending.scope.some((entry) => entry.appGroup === one.number));
      if (device.role !== "luminaire" && own.length === 0) {
        throw new Failed(`a ${device.role} commands a group`, "say which one: --group NAME");
      }
      const ids = { eui64: device.eui64, clientId: toHex(pending.clientId) };
      const secret = { identity: toHex(pending.identity), psk: toHex(pending.secret) };
      const target = scope[0]?.appGroup ?? own[0]?.number;
      const blob = provisioningOf(
        { name, ...ids, ...secret, kdc, server, groups: own },
        {
          role: number as 1 | 2 | 3 | 4,
          groups: own,
          ...(device.role === "luminaire" ? {} : { target }),
          manager: { id: managerId(rows), level: MANAGER_LEVEL },
        },
      );
      return { pending, blob, name };
    });
    const { pending, name } = entered;
    this.#device = { eui64: device.eui64, name, clientId: toHex(pending.clientId) };
    await this.#place.side.changed();
    return entered;
  }

  async #admit(identity: Uint8Array): Promise<void> {
    const { authority, side } = this.#place;
    const what = `${this.#device?.name} has joined`;
    await authority.decide(what, (rows) => {
      admitJoiner(rows, identity);
    });
    await side.changed();
  }

  async #comeBack(identity: Uint8Array): Promise<void> {
    this.#step = "come back";
    await this.#until(
      () => Promise.resolve(this.#place.side.heardAt(toHex(identity)) !== null),
      WHY.silent,
      `see that it has power, and reaches ${this.#place.at}; then ${NEXT.again}`,
    );
    this.#done("it opened a channel with its own credential");
  }

  async #keys(identity: Uint8Array): Promise<void> {
    this.#step = "keys";
    const { authority } = this.#place;
    const missing = () => authority.read((rows) => missingIn(rows, identity));
    let left: readonly string[] = [];
    await this.#until(
      async () => {
        left = await missing();
        return left.length === 0;
      },
      () => `it has not confirmed the key of ${left.join(", ")}`,
      `lumicast device show ${this.#device?.name}; then ${NEXT.again}`,
    );
    const count = await authority.read((rows) => deviceOf(rows, identity)?.scope.length ?? 0);
    this.#done(count === 0 ? "it is in no group yet" : "it has those of its groups");
  }

  async #light(identity: Uint8Array): Promise<void> {
    this.#step = "light";
    const { side, authority } = this.#place;
    const client = await authority.read((rows) => deviceOf(rows, identity)?.clientId);
    if (client === undefined) throw new Failed("it is no device of ours", NEXT.again);
    const blink = { method: PUT, path: ["idn"], format: TEXT_PLAIN, payload: utf8(BLINK_SECONDS) };
    const answer = await side.ask(client, blink);
    // Who has no lamp says so, and that is an answer as well.
    const code = answer.ok ? answer.response.code : undefined;
    if (code === undefined) throw new Failed(WHY.mute, NEXT.again);
    this.#done(code === CHANGED ? "it blinks" : "it answers");
  }

  async #until(isSo: () => Promise<boolean>, why: string | (() => string), next: string) {
    const until = Date.now() + BACK_MS;
    while (!(await isSo())) {
      if (Date.now() > until) throw new Failed(typeof why === "string" ? why : why(), next);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
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
