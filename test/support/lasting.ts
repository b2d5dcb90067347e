/**
 * A room that was set up by a hand and a label: each device joined over DTLS, given a place, keys
 * and rights by an authority; and then whoever did that is gone for good. For whatever is to be
 * seen of a room that has only itself.
 */

import { RECEIVER, SENDER } from "../../modules/access/scope.js";
import { claimsOf } from "../../modules/access/token.js";
import { numberKey, policies, tokens, USUAL } from "../../modules/authority/records.js";
import { toHex } from "../../modules/bytes/hex.js";
import { isMulticast } from "../../modules/coap/addresses.js";
import { parseMessage } from "../../modules/coap/message.js";
import { find, OSCORE } from "../../modules/coap/options.js";
import { emitFactory } from "../../modules/commission/factory.js";
import { ownToken } from "../../modules/groups/tokens.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { UNBROKEN } from "./comers.js";
import { NorFlash } from "./flash.js";
import { APPLICATION, GROUP } from "./grants.js";
import type { Net } from "./net.js";
import { blobFor, factoryOf, Joiner, Newcomer } from "./newcomer.js";
import { NonceWatch } from "./pair.js";
import { Place, SWITCHES } from "./place.js";
import { ROLE } from "./rig.js";

/** 20 years, one a second: what hosts/authority/expiring.ts asks for where an authority leaves. */
export const BUDGET = 20 * 366 * 86400;
const LAMP_NUMBERS = [1, 2, 5, 6, 7, 8];
const JOINER = 201;

/** The flash of a board, and how often its maker says that a sector may be erased. */
export interface Kind {
  readonly name: string;
  readonly programBytes: number;
  readonly size: number;
  readonly endurance: number;
}

/** platforms/nrf52840/partitions-onchip.overlay, platforms/esp32/partitions.csv. */
const KINDS: readonly Kind[] = Object.freeze([
  { name: "nrf52840", programBytes: 4, size: 0x40000, endurance: 10_000 },
  { name: "esp32", programBytes: 16, size: 0x20000, endurance: 100_000 },
]);

export interface Resident {
  readonly node: Newcomer;
  readonly kind: Kind;
}

export class LastingRoom {
  readonly place: Place;
  readonly lamps: Resident[] = [];
  readonly switches: Resident[] = [];
  readonly air: NumbersWatch;
  /** Every nonce of every key that anybody seals with, over all starts. */
  readonly nonces = new NonceWatch();

  constructor(lamps: number) {
    const numbers = LAMP_NUMBERS.slice(0, lamps);
    // Switches follow each other, too.
    this.place = new Place(undefined, { messages: BUDGET }, numbers, SENDER | RECEIVER);
    // It listens, as authorities do, and nobody has spoken before all are there.
    Object.assign(this.place.center, { listening: UNBROKEN });
    const terms = { ...USUAL, numbers: "heard" } as const;
    this.place.ledger.run((rows) => policies.put(rows, numberKey(GROUP), terms));
    this.air = new NumbersWatch(this.place.room.net);
    const joiner = new Joiner(this.place.room, JOINER);
    for (const number of numbers) this.lamps.push(this.#joined(joiner, number, ROLE.LUMINAIRE));
    for (const number of SWITCHES) this.switches.push(this.#joined(joiner, number, ROLE.SWITCH));
    // Keys from the KDC, and rights that the switches show to the others.
    this.place.pass(180);
    this.#leave(joiner);
  }

  get all(): readonly Resident[] {
    return [...this.lamps, ...this.switches];
  }

  /** Three actions: a press, the label, and a look at what blinks. */
  #joined(joiner: Joiner, number: number, role: number): Resident {
    const { room, kdc } = this.place;
    const kind = KINDS[number % KINDS.length];
    const flash = new NorFlash({ ...kind, seed: number });
    const blob = emitFactory(factoryOf(number, { role }));
    const node = new Newcomer(room, {
      ...{ number, blob, flash },
      crypto: this.nonces.crypto(kdc.crypto),
    });
    node.press();
    const authority = this.place.part(number);
    const place = { appGroups: [[APPLICATION, GROUP]] as const, authority, role };
    const said = joiner.join(number, blobFor(number, place));
    if (said !== "2.04") throw new Error(`device ${number} is not joined: ${said}`);
    room.clock.advance(2_000_000);
    if (node.restarts[0] !== "joined") throw new Error(`device ${number} does not start anew`);
    node.restart();
    return { node, kind };
  }

  /** What it leaves behind has no end, and it answers nobody any more. */
  #leave(joiner: Joiner): void {
    const { place } = this;
    const { ledger } = place;
    const given = ledger.run((rows) => tokens.keys(rows).map((id) => tokens.need(rows, id)));
    if (given.length === 0 || given.some(({ expiresAt }) => expiresAt !== -1)) {
      throw new Error("the authority leaves tokens that end");
    }
    for (const { node } of this.all) {
      const { device, number, log } = node;
      const token = device && ownToken(device.store, GROUP);
      const isEndless = token !== undefined && claimsOf(token)?.expiresAt === undefined;
      const isKeyed = device?.channels?.joining.state === "resting";
      if (!isKeyed) throw new Error(`device ${number} has no keys: ${log.join("; ")}`);
      if (token !== undefined && !isEndless) throw new Error(`token of device ${number} ends`);
    }
    const newest = new Set(this.all.map(({ node }) => newestKey(node)));
    if (newest.size !== 1)
      throw new Error("the authority leaves while not all have the newest key");
    place.isThere = false;
    joiner.port.onDatagram = undefined;
  }
}

function newestKey({ device }: Newcomer): string {
  const association = device?.groups.directory.security(GROUP)?.associations.at(-1);
  return association === undefined ? "" : toHex(association.keyId);
}

/**
 * What anybody with a radio sees: throws when a sender's number protects two messages, or does not
 * rise. Looks at what was sent since the last look, and forgets it.
 */
export class NumbersWatch {
  readonly #net: Net;
  readonly #highest = new Map<string, { number: number; text: string }>();
  /** Protected messages so far. */
  count = 0;

  constructor(net: Net) {
    this.#net = net;
  }

  /** The highest number of any sender. */
  get highest(): number {
    return Math.max(...[...this.#highest.values()].map(({ number }) => number));
  }

  look(): void {
    for (const { to, bytes } of this.#net.sent) if (isMulticast(to.address)) this.#see(bytes);
    this.#net.sent.length = 0;
  }

  #see(bytes: Uint8Array): void {
    const parsed = parseMessage(bytes);
    const value = parsed.ok ? find(parsed.value.options, OSCORE) : undefined;
    if (value === undefined) return;
    const option = new OscoreOption();
    if (!option.parse(value, 0, value.length)) throw new Error(`no OSCORE option: ${toHex(value)}`);
    this.count++;
    const { contextStart, contextLength, kidStart, kidLength, sequence: number } = option;
    const context = value.subarray(contextStart, contextStart + contextLength);
    const who = `${toHex(context)}/${toHex(value.subarray(kidStart, kidStart + kidLength))}`;
    const before = this.#highest.get(who) ?? { number: -1, text: "" };
    if (number <= before.number) throw new Error(`${who}: number ${number} after ${before.number}`);
    this.#highest.set(who, { number, text: toHex(bytes) });
  }
}
