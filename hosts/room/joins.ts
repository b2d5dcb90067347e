/**
 * A room's authority as commissioner (modules/commission/fresh.ts): on an operator's word it looks
 * who is open near it, joins those whose labels it has, several at once, and says of each what it
 * did step by step, as `lumicast join code` does.
 *
 *   join all | join NAME      join lamp-1: find: luminaire 024c554d01000001
 *                             ...
 *                             join lamp-1: failed at find: it is not open here; press its ...
 *                             join lamp-1: light: it blinks
 *                             joins: over, 12 of 12 in 9.32 s
 *
 * All of it is callbacks: the medium grants time, and what happens is over when the grant is.
 */
import type { Scope } from "../../modules/access/scope.js";
import {
  admitJoiner,
  expectJoiner,
  joinersIn,
  managerId,
} from "../../modules/authority/joiners.js";
import type { Rows } from "../../modules/authority/ledger.js";
import {
  applications,
  devices,
  inGroup,
  members,
  NONE,
  numberOf,
} from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { CBOR, CHANGED, CONTENT, GET, POST, PUT, TEXT_PLAIN } from "../../modules/coap/options.js";
import type { Clock, Timer } from "../../modules/ports/clock.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { DatagramPort, Endpoint } from "../../modules/ports/datagram.js";
import type { Random } from "../../modules/ports/random.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Ask, Told } from "../../modules/secure/request.js";
import { deviceOf, MANAGER_LEVEL, NEXT, proofOf, saidBy, WHY } from "../authority/join-parts.js";
import {
  ALL_COAP_NODES,
  discovery,
  type Found,
  foundIn,
  PLAIN_PORT,
  SECURE_PORT,
} from "../authority/seek.js";
import type { Plan } from "./managed.js";

export interface JoinsParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  /** For those without a PAN. */
  readonly net: DatagramPort;
  readonly plan: Plan;
  readonly run: <T>(decide: (rows: Rows) => T) => T;
  /** Unix seconds, as far as is known. */
  readonly now: () => number;
  readonly log: (line: string) => void;
  /** Whether somebody has a channel open with this credential. */
  readonly isOpen: (id: string) => boolean;
  /** Over the channel that it opened with what it was handed; false where there is none. */
  readonly askPeer: (id: string, ask: Ask, done: Told) => boolean;
}

type Step = "find" | "prove" | "enter" | "hand over" | "come back" | "keys" | "light";

interface Join {
  readonly name: string;
  readonly eui64: string;
  readonly planned: NonNullable<Plan["joins"]>[string];
  step: Step;
  found: Found | undefined;
  /** What it shows us from then on, in hex. */
  identity: string;
  tries: number;
  timer: Timer | undefined;
}

const SECOND = 1_000_000;
/** Answers are spread over two seconds. */
const SEEK_MICROS = 2_500_000;
const FIND_MICROS = 8 * SECOND;
/** Somebody has to walk from one to the next. */
const FIND_ALL_MICROS = 60 * SECOND;
const BACK_MICROS = 60 * SECOND;
/** Handshakes at once: what one computes, others may use the air for. */
const UNDER_WAY_MAX = 6;
/** Where frames are lost, or somebody else came between. */
const TRIES_MAX = 3;
const TOKEN_BYTES = 4;
const BLINK_SECONDS = "2";
const TIMES = { firstMicros: 1_500_000, longestMicros: 3_000_000, retransmissions: 4 } as const;
const DTLS = { connections: 512, handshakes: 64, messageBytes: 1024, transcriptBytes: 2048 };
const IDLE_MICROS = 10 * SECOND;
/** Fields of provisioning (modules/device/provision.ts). */
const RIGHTS = 6;
const AUTHORITY = 21;

export class Joins {
  readonly #parts: JoinsParts;
  readonly #channels: DtlsChannels;
  readonly #token = new Uint8Array(TOKEN_BYTES);
  /** Under way, by EUI-64. */
  readonly #joins = new Map<string, Join>();
  /** Found, and waiting for their turn. */
  #queue: Join[] = [];
  #handing = 0;
  #seeking: Timer | undefined = undefined;
  #mid = 0;
  #beganMicros = 0;
  #of = 0;
  #done = 0;

  constructor(parts: JoinsParts) {
    const { clock, random, crypto, net } = parts;
    this.#parts = parts;
    random.fill(this.#token);
    const send = (to: Endpoint, bytes: Uint8Array) =>
      void net.send({ to, fromPort: SECURE_PORT, bytes });
    this.#channels = new DtlsChannels(
      { clock, random, crypto, send, handler: undefined },
      {
        client: ({ address }) => this.#proofAt(address),
        ...{ times: TIMES, dtls: DTLS, idleMicros: IDLE_MICROS },
      },
    );
    net.onDatagram = ({ from, to, bytes }) => {
      if (to.port === SECURE_PORT) this.#channels.receive(from, bytes);
      else if (to.port === PLAIN_PORT) this.#answered(from.address, bytes);
    };
  }

  /** Throws an Error that says what to give instead. */
  command(who: string): void {
    const { joins = {} } = this.#parts.plan;
    const names = who === "all" ? Object.keys(joins) : [who];
    const { clock } = this.#parts;
    if (this.#joins.size === 0) {
      this.#beganMicros = clock.micros();
      this.#of = 0;
      this.#done = 0;
    }
    for (const name of names) {
      const planned = joins[name];
      const device = this.#parts.plan.devices.find((one) => one.name === name);
      if (planned === undefined || device === undefined) {
        throw new Error(`there is no ${name} to be joined; give join all, or one's name`);
      }
      if (!this.#joins.has(device.eui64)) {
        this.#begin({ name, eui64: device.eui64, planned }, who === "all");
      }
    }
    this.#seek();
  }

  /** Somebody opened a channel with this credential. */
  opened(id: string): void {
    const join = this.#by(id);
    if (join === undefined) return;
    if (join.step === "hand over") {
      this.#handed();
      this.#say(join, "hand over", "its answer got lost; it has it in flash");
    }
    this.#say(join, "come back", "it opened a channel with its own credential");
    join.step = "keys";
    this.#wait(join, BACK_MICROS, () => {
      const why = `it has not asked for the key of ${this.#lacking(join).join(", ")}`;
      this.#fail(join, why, NEXT.again);
    });
    this.look();
  }

  /** Something was decided: somebody may have keys now. */
  look(): void {
    for (const join of this.#joins.values()) {
      if (join.step === "keys" && this.#lacking(join).length === 0) this.#light(join);
    }
  }

  #begin(who: Pick<Join, "name" | "eui64" | "planned">, isMany: boolean): void {
    const join: Join = {
      ...{ ...who, step: "find", found: undefined, identity: "", tries: 0, timer: undefined },
    };
    this.#joins.set(join.eui64, join);
    this.#of++;
    this.#wait(join, isMany ? FIND_ALL_MICROS : FIND_MICROS, () => this.#notFound(join));
  }

  /** As long as somebody is to be found. */
  #seek(): void {
    const { clock, net } = this.#parts;
    if (this.#seeking !== undefined) clock.cancel(this.#seeking);
    this.#seeking = undefined;
    const isOver = [...this.#joins.values()].every((join) => join.found !== undefined);
    if (isOver) return;
    const bytes = discovery(this.#mid++, this.#token);
    const address = Uint8Array.from(ALL_COAP_NODES);
    net.send({ to: { address, port: PLAIN_PORT }, fromPort: PLAIN_PORT, bytes });
    this.#seeking = clock.after(SEEK_MICROS, () => this.#seek());
  }

  #answered(at: Uint8Array, bytes: Uint8Array): void {
    const found = foundIn(bytes, { at: at.slice(), token: this.#token });
    const join = found && this.#joins.get(found.eui64);
    if (found === undefined || join === undefined || join.step !== "find") return;
    if (join.found !== undefined) return;
    join.found = found;
    this.#stop(join);
    this.#say(join, "find", `${found.role} ${found.eui64}`);
    this.#queue.push(join);
    this.#next();
  }

  #notFound(join: Join): void {
    const before = this.#parts.run((rows) => credentialOf(rows, join.eui64));
    if (before === undefined) {
      this.#fail(join, "it is not open here", NEXT.press);
      return;
    }
    this.#say(join, "find", "it does not wait to be joined: it was handed what it needs before");
    join.identity = before;
    this.#comeBack(join);
  }

  #next(): void {
    while (this.#handing < UNDER_WAY_MAX) {
      const join = this.#queue.shift();
      if (join === undefined) return;
      this.#handing++;
      this.#prove(join);
    }
  }

  #prove(join: Join): void {
    join.step = "prove";
    this.#ask(join, { method: GET, path: ["join"] }, (answer) => {
      const isIt = answer.ok && answer.response.code === CONTENT;
      if (!isIt) {
        this.#handed();
        this.#again(join);
        return;
      }
      this.#say(join, "prove", `${join.eui64} has this label`);
      this.#enter(join);
    });
  }

  /** Frames get lost; a wrong label is wrong three times. */
  #again(join: Join): void {
    join.tries++;
    if (join.tries >= TRIES_MAX) {
      this.#fail(join, WHY.label, NEXT.label);
      return;
    }
    join.step = "find";
    join.found = undefined;
    this.#wait(join, FIND_MICROS, () => this.#notFound(join));
    if (this.#seeking === undefined) this.#seek();
  }

  /** Written down before anything leaves. */
  #enter(join: Join): void {
    join.step = "enter";
    try {
      const blob = this.#parts.run((rows) => this.#expect(rows, join));
      this.#say(
        join,
        "enter",
        `${join.name} is client ${clientOf(this.#parts.plan, join)}, pending`,
      );
      this.#handOver(join, blob);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#handed();
      this.#fail(join, error.message, NEXT.again);
    }
  }

  /** What it is to live by. */
  #expect(rows: Rows, { name, eui64, planned }: Join): Uint8Array {
    const { random, now, plan } = this.#parts;
    const device = plan.devices.find((one) => one.eui64 === eui64);
    if (device === undefined) throw new Error(`there is no ${name} in this room`);
    const scope: Scope = device.scope;
    const wanted = {
      ...{ eui64: fromHex(eui64), name, role: planned.role, scope, by: "operator" },
      ...({ proof: "label", clientId: fromHex(device.clientId) } as const),
    };
    const pending = expectJoiner(rows, wanted, { random, now: now() });
    const join = this.#joins.get(eui64);
    if (join !== undefined) join.identity = toHex(pending.identity);
    const decoded = decode(fromHex(planned.blob), { depthMax: 8, itemsMax: 65_536 });
    const blob = decoded.ok ? decoded.value : undefined;
    const authority = blob instanceof Map ? blob.get(AUTHORITY) : undefined;
    if (!(blob instanceof Map && authority instanceof Map)) throw new Error("no provisioning map");
    const manager = managerId(rows);
    authority.set(4, pending.identity).set(5, pending.secret).set(8, manager);
    const right: Cbor = [manager, null, MANAGER_LEVEL];
    blob.set(RIGHTS, [right]);
    return encode(blob);
  }

  #handOver(join: Join, payload: Uint8Array): void {
    join.step = "hand over";
    const ask: Ask = { method: POST, path: ["join"], format: CBOR, payload };
    this.#ask(join, ask, (answer) => {
      // It may have come back before this was given up.
      if (join.step !== "hand over") return;
      this.#handed();
      if (answer.ok && answer.response.code !== CHANGED) {
        this.#fail(join, `it refuses: ${saidBy(answer.response)}`, NEXT.again);
        return;
      }
      const identity = fromHex(join.identity);
      if (answer.ok) this.#parts.run((rows) => admitJoiner(rows, identity));
      const said = answer.ok ? "it has it in flash" : "its answer got lost; it may have it";
      this.#say(join, "hand over", said);
      this.#comeBack(join);
    });
  }

  #comeBack(join: Join): void {
    join.step = "come back";
    this.#wait(join, BACK_MICROS, () => {
      this.#fail(join, WHY.silent, `see that it has power; then ${NEXT.again}`);
    });
    if (this.#parts.isOpen(join.identity)) this.opened(join.identity);
  }

  #light(join: Join): void {
    this.#say(join, "keys", "it has those of its groups");
    join.step = "light";
    const payload = utf8(BLINK_SECONDS);
    const ask: Ask = { method: PUT, path: ["idn"], format: TEXT_PLAIN, payload };
    const isAsked = this.#parts.askPeer(join.identity, ask, (answer) => {
      const code = answer.ok ? answer.response.code : undefined;
      if (code === undefined) this.#fail(join, WHY.mute, NEXT.again);
      else this.#end(join, code === CHANGED ? "it blinks" : "it answers");
    });
    if (!isAsked) this.#fail(join, WHY.mute, NEXT.again);
  }

  #ask({ found }: Join, ask: Ask, done: Told): void {
    const address = found?.at ?? new Uint8Array(16);
    this.#channels.ask({ address, port: SECURE_PORT }, ask, done);
  }

  #proofAt(address: Uint8Array) {
    const at = toHex(address);
    const isThere = ({ found }: Join) => found !== undefined && toHex(found.at) === at;
    const join = [...this.#joins.values()].find(isThere);
    if (join?.found === undefined) return undefined;
    const psk = proofOf(this.#parts.crypto, fromHex(join.planned.label), join.found);
    return psk && { psk };
  }

  #by(identity: string): Join | undefined {
    return [...this.#joins.values()].find((join) => {
      const isAway = join.step === "hand over" || join.step === "come back";
      return isAway && join.identity === identity;
    });
  }

  /** Names of groups whose keys it was not given yet. */
  #lacking({ identity }: Join): string[] {
    return this.#parts.run((rows) => {
      const { scope = [], clientId } = deviceOf(rows, fromHex(identity)) ?? {};
      return scope.flatMap(({ appGroup }) => {
        const { name, group } = groupOf(rows, appGroup);
        const member = clientId && members.get(rows, inGroup(group, clientId));
        return member === undefined || member.given === NONE ? [name] : [];
      });
    });
  }

  #handed(): void {
    this.#handing--;
    this.#parts.clock.after(0, () => this.#next());
  }

  #wait(join: Join, micros: number, fire: () => void): void {
    this.#stop(join);
    join.timer = this.#parts.clock.after(micros, fire);
  }

  #stop(join: Join): void {
    if (join.timer !== undefined) this.#parts.clock.cancel(join.timer);
    join.timer = undefined;
  }

  #say({ name }: Join, step: Step, said: string): void {
    this.#parts.log(`join ${name}: ${step}: ${said}`);
  }

  #fail(join: Join, why: string, next: string): void {
    this.#parts.log(`join ${join.name}: failed at ${join.step}: ${why}; ${next}`);
    this.#over(join);
  }

  #end(join: Join, said: string): void {
    this.#say(join, "light", said);
    this.#done++;
    this.#over(join);
  }

  #over(join: Join): void {
    this.#stop(join);
    this.#joins.delete(join.eui64);
    if (this.#joins.size > 0) return;
    const { clock, log } = this.#parts;
    const seconds = (clock.micros() - this.#beganMicros) / SECOND;
    log(`joins: over, ${this.#done} of ${this.#of} in ${seconds.toFixed(2)} s`);
  }
}

function clientOf({ devices: all }: Plan, { eui64 }: Pick<Join, "eui64">): string {
  return all.find((one) => one.eui64 === eui64)?.clientId ?? "";
}

/** Which it shows, or is to show; in hex. */
function credentialOf(rows: Rows, eui64: string): string | undefined {
  const pending = joinersIn(rows).find((one) => toHex(one.eui64) === eui64);
  const device = devices.get(rows, eui64);
  return pending?.credential ?? (device && toHex(device.credential));
}

function groupOf(rows: Rows, appGroup: number | null): { name: string; group: number } {
  const key = applications.keys(rows).find((one) => numberOf(one) === appGroup) ?? "";
  return applications.need(rows, key);
}
