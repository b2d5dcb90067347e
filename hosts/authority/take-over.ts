/**
 * Takes over a room without a computer (modules/commission/handing.ts): finds the switch that is
 * its authority, proves to it that we have its label, enters who is in the room, and lets the
 * switch tell them. Each step has a name, and where it fails, a reason and what to do next. Done
 * once more it goes on where it was.
 *
 * The switch answers no search. It searches, for lamps, while its window is open: whose question is
 * heard may be it, and the label's key proves that it is.
 */
import { createSocket } from "node:dgram";
import { grantedIn } from "../../modules/authority/granting.js";
import { askWord, silentIn } from "../../modules/authority/joiners.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { devices } from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { fromUtf8 } from "../../modules/bytes/utf8.js";
import type { Cbor } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { parseMessage } from "../../modules/coap/message.js";
import {
  CBOR,
  CHANGED,
  CONFLICT,
  CONTENT,
  FORBIDDEN,
  GET,
  POST,
  URI_QUERY,
} from "../../modules/coap/options.js";
import { LISTED_MAX } from "../../modules/commission/handing.js";
import { parseLabel } from "../../modules/commission/label.js";
import { LUMINAIRES_MAX } from "../../modules/commission/room.js";
import type { SecureResponse } from "../../modules/secure/request.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import type { DevicePlace } from "./device-side.js";
import { counted, Fault } from "./fault.js";
import { Finder } from "./finding.js";
import { Failed, type JoinPlace } from "./join-flow.js";
import { missingIn, NEXT, proofOf, saidBy } from "./join-parts.js";
import { joinPlace } from "./join-works.js";
import { checkGroupName } from "./names.js";
import { endpointOf } from "./net.js";
import { ALL_COAP_NODES, PLAIN_PORT } from "./seek.js";
import { enterRoom, type Listed, listedIn } from "./take-over-list.js";

export interface TakeOverArgs {
  /** As printed; never said again. */
  readonly label: string;
  /** Of the switch, where the label does not say it. */
  readonly eui64?: string | undefined;
  /** What the room's group is to be called. */
  readonly name?: string | undefined;
}

export interface TakenOver {
  readonly ok: boolean;
  readonly devices: readonly { readonly eui64: string; readonly name: string }[];
  readonly steps: readonly { readonly step: string; readonly said: string }[];
  readonly failure?: { readonly step: string; readonly why: string; readonly next: string };
}

/** A switch searches every four seconds. */
const HEAR_MS = 10_000;
const ENOUGH_MS = 4500;
const TRIED_MAX = 10;
/** How often the switch may have used its label before. */
const USED_MAX = 3;
const FOLLOW_MS = 150_000;
const LOOK_MS = 500;
const HOLD = "hold the switch for five seconds: its window is open for three minutes";

type AskSwitch = (more?: readonly (readonly [number, Cbor])[]) => Promise<SecureResponse>;

export function takeOver(place: DevicePlace, args: TakeOverArgs): Promise<TakenOver> {
  return new TakeOver(joinPlace(place), args).run();
}

class TakeOver {
  readonly #place: JoinPlace;
  readonly #args: TakeOverArgs;
  readonly #steps: { step: string; said: string }[] = [];
  #devices: TakenOver["devices"] = [];
  #step = "";

  constructor(place: JoinPlace, args: TakeOverArgs) {
    this.#place = place;
    this.#args = args;
  }

  async run(): Promise<TakenOver> {
    try {
      const { role } = this.#place.authority.identity;
      if (role !== "both") throw new Fault("a room goes to AS and KDC in one program");
      if (this.#args.name !== undefined) checkGroupName(this.#args.name);
      const label = this.#label();
      if (!(await this.#isHere(label.eui64))) await this.#hand(label);
      await this.#follow();
      return { ok: true, devices: this.#devices, steps: this.#steps };
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      const failure = { step: this.#step, why: error.message, next: error.next };
      return { ok: false, devices: this.#devices, steps: this.#steps, failure };
    }
  }

  #begin(step: string): void {
    this.#step = step;
  }

  #done(said: string): void {
    this.#steps.push({ step: this.#step, said });
    this.#place.say(`${this.#step}: ${said}`);
  }

  #label(): { printed: Uint8Array; eui64: string } {
    this.#begin("label");
    const label = parseLabel(this.#place.authority.crypto, this.#args.label);
    if (!label.ok) throw new Failed(label.why, "type it again, or scan the QR code");
    const eui64 = label.eui64 ?? this.#args.eui64?.toLowerCase();
    if (eui64 === undefined || !/^[0-9a-f]{16}$/.test(eui64)) {
      const next = "give the text of its QR code, or --eui64 with 16 hex digits";
      throw new Failed("the code alone does not say which switch it is of", next);
    }
    this.#done("it reads well");
    return { printed: label.printed, eui64 };
  }

  /** A switch that follows has begun to tell the others; it takes this authority for its own. */
  async #isHere(eui64: string): Promise<boolean> {
    this.#begin("find");
    const all = await this.#place.authority.read((rows) => {
      const known = devices.get(rows, eui64);
      const isHere = known !== undefined && missingIn(rows, known.credential).length === 0;
      return isHere ? roomOf(rows, eui64) : undefined;
    });
    if (all === undefined) return false;
    this.#devices = all;
    this.#done("it was handed over to this authority before");
    return true;
  }

  async #hand(label: { printed: Uint8Array; eui64: string }): Promise<void> {
    const finder = await Finder.open(this.#place.authority, this.#place.side.network());
    try {
      await this.#with(finder, label);
    } finally {
      finder.close();
    }
  }

  async #with(finder: Finder, label: { printed: Uint8Array; eui64: string }): Promise<void> {
    this.#begin("find");
    const all = await searchersOn(this.#place.side.network());
    if (all.length === 0) throw new Failed("no switch with a room has its window open here", HOLD);
    this.#done(`${counted(all.length, "switch").replace("switchs", "switches")} may be it`);
    this.#begin("prove");
    const { ask, first } = await this.#prove(finder, label, all.slice(0, TRIED_MAX));
    this.#done(`${label.eui64} has this label`);
    this.#begin("list");
    const room = await this.#list(ask, first);
    this.#done(counted(room.length, "device"));
    this.#begin("enter");
    await this.#enter(room, label.eui64);
    this.#done("they are in the ledger");
    this.#begin("hand over");
    const begun = await ask([[10, true]]);
    if (begun.code === CONFLICT) throw new Failed("somebody came into the room", NEXT.again);
    if (begun.code !== CHANGED) throw refusal(begun);
    this.#done("the switch tells them");
  }

  /** Its first list is the proof. */
  async #prove(
    finder: Finder,
    { printed, eui64 }: { printed: Uint8Array; eui64: string },
    all: readonly Uint8Array[],
  ): Promise<{ ask: AskSwitch; first: SecureResponse }> {
    const { crypto } = this.#place.authority;
    for (const at of all) {
      for (let n = 0; n <= USED_MAX; n++) {
        const found = { eui64, n, role: "switch", at } as const;
        const psk = proofOf(crypto, printed, found);
        if (psk === undefined) continue;
        const ask: AskSwitch = async (more = []) => {
          const payload = this.#wish(more);
          const request = { method: POST, path: ["hand-over"], format: CBOR, payload };
          const answer = await finder.ask(found, { psk }, request);
          if (answer.ok) return answer.response;
          throw new Failed(`it does not answer (${answer.why})`, NEXT.again);
        };
        const first = await ask().catch(() => undefined);
        if (first !== undefined) return { ask, first };
      }
    }
    const next = `look whether the label is that switch's, and its window open: ${HOLD}`;
    throw new Failed("none that is open here knows this label", next);
  }

  /** Whom they are to follow. */
  #wish(more: readonly (readonly [number, Cbor])[]): Uint8Array {
    const { authority, at } = this.#place;
    const { name, kid, publicKey } = {
      ...{ name: authority.issuer("kdc").name, kid: authority.kid },
      publicKey: authority.signer.publicKey,
    };
    const { address, port } = endpointOf("at", at);
    const said: [number, Cbor][] = [
      [1, name],
      [2, kid],
      [3, publicKey],
      [4, authority.identity.domain],
      [7, [address, port]],
      [8, [address, port]],
    ];
    return encode(new Map<Cbor, Cbor>([...said, ...more]));
  }

  /** Who follows already is on no list. */
  async #list(ask: AskSwitch, first: SecureResponse): Promise<Listed[]> {
    const room: Listed[] = [];
    // The switch is one of them.
    for (let from = 0; from <= LUMINAIRES_MAX; from += LISTED_MAX) {
      const answer = from === 0 ? first : await ask([[9, from]]);
      if (answer.code !== CONTENT) throw refusal(answer);
      const listed = listedIn(answer.payload ?? new Uint8Array(0));
      if (listed === undefined) {
        throw new Failed("its list does not read as one", "see which firmware it has");
      }
      room.push(...listed);
    }
    return room;
  }

  /** Before anybody is told. */
  async #enter(room: readonly Listed[], eui64: string): Promise<void> {
    const { authority, side } = this.#place;
    const { name } = this.#args;
    const what = `authority take-over ${eui64} by its label: ${counted(room.length, "device")}`;
    this.#devices = await authority.decide(what, (rows) => {
      enterRoom(authority, rows, { room, name });
      return roomOf(rows, eui64);
    });
    await side.changed();
  }

  async #follow(): Promise<void> {
    this.#begin("follow");
    const until = Date.now() + FOLLOW_MS;
    const seen = new Set<string>();
    for (;;) {
      const missing = await this.#missing();
      for (const { name } of this.#devices) {
        if (missing.includes(name) || seen.has(name)) continue;
        seen.add(name);
        this.#place.say(`${name} follows this authority, and has its keys`);
      }
      if (missing.length === 0) break;
      if (Date.now() > until) {
        const next = "the switch goes on telling them: see that they have power; lumicast status";
        throw new Failed(`not yet: ${missing.join(", ")}`, next);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    this.#done(`all ${this.#devices.length} have their keys from here`);
  }

  /** Names of those that have not confirmed the keys of their groups. */
  async #missing(): Promise<string[]> {
    const { ledger } = this.#place.authority;
    const { missing, silent } = await ledger.read((rows) => {
      const left = this.#devices.flatMap(({ eui64, name }) => {
        const { credential, clientId } = devices.need(rows, eui64);
        return missingIn(rows, credential).length === 0 ? [] : [{ name, clientId }];
      });
      const silent = left.filter(({ clientId }) => silentIn(rows, clientId).length > 0);
      return {
        missing: left.map(({ name }) => name),
        silent: silent.map(({ clientId }) => toHex(clientId)),
      };
    });
    if (silent.length > 0) {
      const note = { by: "authority", what: `clients ${silent.join(", ")} are to confirm keys` };
      await ledger.transaction((rows) => {
        for (const client of silent) askWord(rows, fromHex(client));
      }, note);
    }
    return missing;
  }
}

/** All who may be where the switch may be. */
function roomOf(rows: Rows, eui64: string): TakenOver["devices"] {
  const groups = devices.get(rows, eui64)?.scope ?? [];
  const all = groups.flatMap(({ appGroup }) => {
    return appGroup === null ? [] : grantedIn(rows, appGroup);
  });
  return [...new Set(all)].map((key) => ({ eui64: key, name: devices.need(rows, key).name }));
}

function refusal(response: SecureResponse): Failed {
  const { code } = response;
  if (code === FORBIDDEN) return new Failed("its window has closed", HOLD);
  if (code === CONFLICT) {
    const next = "go on at that one; a room is handed over once";
    return new Failed("this room is being handed over to another authority", next);
  }
  return new Failed(`it refuses: ${saidBy(response)}`, NEXT.again);
}

/** Addresses of who searches for fresh lamps from the port of devices. */
async function searchersOn(network: string): Promise<Uint8Array[]> {
  const socket = createSocket({ type: "udp6", ipv6Only: true, reuseAddr: true });
  const heard = new Map<string, Uint8Array>();
  socket.on("message", (message, { address, port }) => {
    const at = parseIpv6(address.split("%")[0]);
    const isSearch = port === PLAIN_PORT && isSearching(new Uint8Array(message));
    if (at !== undefined && isSearch) heard.set(formatIpv6(at), at);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject).bind(PLAIN_PORT, () => {
        socket.off("error", reject).on("error", () => {});
        resolve();
      });
    });
    const group = formatIpv6(Uint8Array.from(ALL_COAP_NODES));
    socket.addMembership(group, `::%${network}`);
    const began = Date.now();
    const isOver = () =>
      Date.now() > began + (heard.size > 0 ? ENOUGH_MS : HEAR_MS) || heard.size >= TRIED_MAX;
    while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 50));
  } catch (error) {
    const { code = "it fails" } = error as NodeJS.ErrnoException;
    const next = `look what listens on UDP port ${PLAIN_PORT} of this computer, and end it`;
    throw new Failed(`nobody can be heard on ${network}: ${code}`, next);
  } finally {
    socket.close();
  }
  return [...heard.values()];
}

function isSearching(bytes: Uint8Array): boolean {
  const parsed = parseMessage(bytes);
  if (!parsed.ok || parsed.value.code !== GET) return false;
  return parsed.value.options.some(({ number, value }) => {
    return number === URI_QUERY && fromUtf8(value) === "rt=lumicast.fresh";
  });
}
