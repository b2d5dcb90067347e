/**
 * A node of a mesh with a border says to which groups it listens (RFC 3810, the host's part), and
 * as a router passes on what others say and what the border asks.
 *
 * The problem: MLD stays on the link, and a mesh is many links: a lamp three hops away neither
 * hears the border's query nor reaches it with a report. Rejected: reports to a unicast or
 * realm-local address (no longer RFC 3810: its messages come from fe80::/64 and have hop limit 1);
 * routers that keep a table for those behind them (RFC 4605; there is no RAM for it in a lamp).
 * Choice: RFC 4605's proxy without its table. The routes to the border are a tree; a router
 * repeats a query of the next hop towards the border as its own, and a report that reaches it as
 * its own to that next hop. Every message is one of RFC 3810's on its link. A report goes to the
 * next hop by link unicast (as RFC 6085 allows), which is acknowledged and repeated.
 */
import type { Drop } from "../bytes/outcome.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { DatagramPort } from "../ports/datagram.js";
import type { MeshPlace } from "../ports/radio.js";
import type { Random } from "../ports/random.js";
import { same } from "./address.js";
import { TwoNetworks, twoFaces } from "./faces.js";
import { LinkStack } from "./link.js";
import { BROADCAST, MacHeader, SHORT } from "./mac.js";
import * as mld from "./mld.js";
import type { Packet } from "./packet.js";
import { Routes } from "./routes.js";
import { type LowpanConfig, LowpanStack } from "./stack.js";

/** How far the first word about a change is put off: all lamps of a room get power at once. */
const FIRST_MICROS = 64_000;
/** RFC 3810 §9.11. */
const AGAIN_MICROS = 1_000_000;
/** Queries to pass on that wait; each waits up to RELAY_MICROS, lest all routers speak at once. */
const RELAYS_MAX = 4;
const RELAY_MICROS = 64_000;

type Change = Omit<mld.GroupRecord, "sources">;

/** Where routes name no border there is nobody to tell; who has no place yet has no mesh. */
export function meshStack(config: LowpanConfig): LowpanStack {
  if (config.pan === BROADCAST) return new LinkStack(config);
  return stackOf(config);
}

/** As a board has it, with those without a PAN where the place says so. */
export function networkAt(config: LowpanConfig & Pick<MeshPlace, "hasNewcomers">): DatagramPort {
  if (config.hasNewcomers !== true) return meshStack(config);
  const { pan, link } = twoFaces(config.radio);
  return new TwoNetworks(
    stackOf({ ...config, radio: pan }),
    new LinkStack({ ...config, radio: link }),
  );
}

function stackOf(config: LowpanConfig): LowpanStack {
  const hasBorder = config.routes?.has(BROADCAST) === true && config.short !== undefined;
  return hasBorder ? new ListeningStack(config) : new LowpanStack(config);
}

export class ListeningStack extends LowpanStack {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #isRouter: boolean;
  readonly #own: MacHeader;
  /** The next hop towards the border. */
  readonly #upstream: number;
  readonly #listened: Uint8Array[] = [];
  /** Said so many times more. */
  #changes: Change[] = [];
  #again = 0;
  #changeTimer: Timer | undefined = undefined;
  #answerTimer: Timer | undefined = undefined;
  /** What is asked for; undefined: everything. */
  #asked: Uint8Array | undefined = undefined;
  #relays = 0;

  constructor(config: LowpanConfig) {
    super(config);
    this.#clock = config.clock;
    this.#random = config.random;
    this.#isRouter = config.router ?? false;
    const routes = new Routes(config.routes ?? new Map());
    this.#upstream = routes.next(routes.next(BROADCAST));
    this.#own = new MacHeader();
    this.#own.pan = config.pan;
    this.#own.sourceHigh = SHORT;
    this.#own.sourceLow = config.short ?? BROADCAST;
    this.#own.destinationHigh = SHORT;
  }

  override join(group: Uint8Array): boolean {
    const joined = super.join(group);
    if (joined && mld.mayCross(group) && this.place(group) < 0) {
      this.#listened.push(group);
      this.change({ type: mld.RECORD.TO_EXCLUDE, group });
    }
    return joined;
  }

  override leave(group: Uint8Array): void {
    super.leave(group);
    const place = this.place(group);
    if (place < 0) return;
    this.#listened.splice(place, 1);
    this.change({ type: mld.RECORD.TO_INCLUDE, group });
  }

  override wanted(packet: Packet): boolean {
    return packet.protocol === mld.ICMPV6 || super.wanted(packet);
  }

  /** For the intake. */
  other(packet: Packet, frame: Uint8Array, byBroadcast: boolean): Drop | undefined {
    const read = mld.readMld(packet, frame);
    if (!read.ok) return read.drop;
    const { source } = packet;
    const isUpstream = source.high === SHORT && source.low === this.#upstream;
    const body = read.value;
    if (body[0] === mld.QUERY) {
      // From elsewhere it is another router's, on its way down: passed on it would never end.
      if (!isUpstream) return "notForUs"; // check: mld-upstream
      return this.answerLater(body);
    }
    if (!this.#isRouter || byBroadcast) return "notForUs";
    if (isUpstream) return "notForUs"; // check: mld-report-down
    if (mld.readReport(body) === undefined) return "malformed";
    return this.tell(body) ? undefined : "overflow";
  }

  private place(group: Uint8Array): number {
    return this.#listened.findIndex((one) => same(one, 0, group, 16));
  }

  private change(change: Change): void {
    this.#changes = this.#changes.filter(({ group }) => !same(group, 0, change.group, 16));
    this.#changes.push(change);
    this.#again = mld.ROBUSTNESS;
    if (this.#changeTimer === undefined) this.announceWithin(FIRST_MICROS);
  }

  private announceWithin(micros: number): void {
    this.#changeTimer = this.#clock.after(this.chance(micros), () => {
      this.report(this.#changes);
      this.#again -= 1;
      if (this.#again > 0) {
        this.announceWithin(AGAIN_MICROS);
      } else {
        this.#changes = [];
        this.#changeTimer = undefined;
      }
    });
  }

  private answerLater(body: Uint8Array): Drop | undefined {
    const query = mld.readQuery(body);
    if (query === undefined) return "malformed";
    if (this.#isRouter) this.passOnQuery(body);
    if (this.#answerTimer !== undefined) {
      // One answer to both, at the earlier time.
      this.#asked = undefined;
      return undefined;
    }
    this.#asked = query.group;
    this.#answerTimer = this.#clock.after(this.chance(query.responseMicros), () => {
      this.#answerTimer = undefined;
      this.answer(this.#asked);
    });
    return undefined;
  }

  private answer(asked: Uint8Array | undefined): void {
    const groups = this.#listened.filter((one) => asked === undefined || same(one, 0, asked, 16));
    this.report(groups.map((group) => ({ type: mld.RECORD.IS_EXCLUDE, group })));
  }

  private passOnQuery(body: Uint8Array): void {
    if (this.#relays >= RELAYS_MAX) return; // check: mld-relays-bounded
    this.#relays += 1;
    this.#clock.after(this.chance(RELAY_MICROS), () => {
      this.#relays -= 1;
      this.#own.wantsAck = false;
      this.#own.destinationLow = BROADCAST;
      this.push([mld.mldFrame(this.#own, mld.ALL_NODES, body)], false);
    });
  }

  private report(changes: readonly Change[]): void {
    for (let i = 0; i < changes.length; i += mld.RECORDS_MAX) {
      this.tell(mld.reportBody(changes.slice(i, i + mld.RECORDS_MAX)));
    }
  }

  /** A report to the next hop; false when the queue is full. */
  private tell(body: Uint8Array): boolean {
    this.#own.wantsAck = true;
    this.#own.destinationLow = this.#upstream;
    return this.push([mld.mldFrame(this.#own, mld.ALL_ROUTERS, body)], true);
  }

  /** 0 to `micros`, the end excluded. */
  private chance(micros: number): number {
    const dice = new Uint8Array(2);
    this.#random.fill(dice);
    return Math.floor(((dice[0] * 256 + dice[1]) * micros) / 65536);
  }
}
