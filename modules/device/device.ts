/**
 * One device: the parts, put together, and what goes on while nothing arrives.
 *
 * The problem: every part of the firmware needs a few others, and on XS the whole has to be built
 * without a service locator or module state (preloaded modules lie in ROM). Chosen: `start` makes
 * each part once, hands it exactly what it needs, and ends with the network, so that the first
 * datagram finds a complete device.
 *
 * Time that nobody needs is used for flash: idle.ts.
 */
import { DISCOVERY } from "../access/level.js";
import type { Rights } from "../access/rights.js";
import type { Outcome, Proof } from "../bytes/outcome.js";
import { isMulticast } from "../coap/addresses.js";
import type { Bodies } from "../coap/block.js";
import { Endpoint } from "../coap/endpoint.js";
import { Exchanges } from "../coap/exchange.js";
import type { Option } from "../coap/message.js";
import type { Observers } from "../coap/observe.js";
import { compareKeyIds, type Directory } from "../groups/directory.js";
import type { Arriving, Groups } from "../groups/groups.js";
import { QuickIntake } from "../groups/intake.js";
import type { Renegotiation } from "../groups/renegotiation.js";
import type { Command } from "../lighting/command.js";
import * as setting from "../lighting/settings.js";
import type { Board } from "../ports/board.js";
import type { Clock } from "../ports/clock.js";
import type { Datagram, DatagramPort } from "../ports/datagram.js";
import type { Trace } from "../ports/trace.js";
import { Resources } from "../resources/resources.js";
import type { Store } from "../store/store.js";
import { bootDurable, type Durable } from "./boot.js";
import type { ChannelsService, DeviceChannels } from "./channels.js";
import { Idle } from "./idle.js";
import { LIMITS } from "./limits.js";
import type {
  Answer,
  Asked,
  Dialogues,
  MemberReport,
  Parts,
  Role,
  SchemeServices,
} from "./parts.js";
import type { PressService } from "./presses.js";
import type { Identity } from "./provision.js";
import { RateLimit } from "./rate.js";
import { receive } from "./receive.js";
import { buildRole } from "./role.js";
import { sendCommand } from "./send.js";
import type { Upkeep } from "./upkeep.js";

/** RFC 7252 §6.1. */
const COAP_PORT = 5683;
/** RFC 7252 §8.2: spread of answers where the installation says nothing. */
const LEISURE_MICROS = 5_000_000;
/** Plain CoAP answers: a few at once, then one a second. */
const PLAIN_BURST = 4;
const PLAIN_REFILL_MICROS = 1_000_000;
const UPTIME_TICK_MICROS = 600_000_000;
const BY_GROUP: Proof = Object.freeze({ by: "group" });
const NO_OPTIONS: readonly Option[] = Object.freeze([]);

/** What a build may leave out. */
export interface Services {
  readonly schemes?: SchemeServices;
  readonly dialogues?: Dialogues;
  readonly upkeep?: Upkeep;
  readonly channels?: ChannelsService;
  readonly presses?: PressService;
  /** In place of `Device.start` where a device may be nobody's: then there is none (lives.ts). */
  readonly begin?: (board: Board, services: Services) => Device | undefined;
}

const NO_SERVICES: Services = Object.freeze({});

export class Device implements Parts {
  readonly clock: Clock;
  readonly trace: Trace;
  readonly store: Store;
  readonly groups: Groups;
  readonly rights: Rights;
  readonly net: DatagramPort;
  readonly endpoint: Endpoint;
  readonly exchanges: Exchanges<Asked, Answer>;
  readonly resources: Resources;
  readonly role: Role;
  readonly follows: boolean;
  readonly plainReplies: RateLimit;
  readonly schemes: SchemeServices | undefined;
  readonly dialogues: Dialogues | undefined;
  declare bodies?: Bodies | undefined;
  declare observers?: Observers | undefined;
  declare watches?: Parts["watches"];
  declare onObservation?: Parts["onObservation"];
  declare renegotiation?: Renegotiation | undefined;
  declare center?: Parts["center"];
  readonly access: Parts["access"] = {
    // All that a message under a group key shows.
    proof: BY_GROUP,
    transport: "multicast",
    scope: "group",
    granted: DISCOVERY,
    needed: undefined,
  };
  readonly request: Parts["request"] = {
    code: 0,
    options: NO_OPTIONS,
    payload: undefined,
    sender: 0,
    prevails: false,
  };
  /** The latest command's execution reports, one a member, when their time is over. */
  onReports: (reports: readonly MemberReport[]) => void;
  /** Where the installation names an authority. */
  declare readonly channels?: DeviceChannels;
  readonly #ports: readonly number[];
  readonly #idle: Idle;

  /**
   * Starts a device from what its board and its build have. Throws an Error that says what to mend.
   */
  static start(board: Board, services: Services = NO_SERVICES): Device {
    const { schemes, upkeep, channels } = services;
    return new Device(board, bootDurable(board, schemes, upkeep, channels), services);
  }

  private constructor(board: Board, durable: Durable, services: Services) {
    const { clock, trace, log } = board;
    const { store, rights, groups, identity } = durable;
    const { directory, recipients, keyring } = groups;
    this.clock = clock;
    this.trace = trace;
    this.store = store;
    this.rights = rights;
    this.groups = groups;
    this.schemes = groups.schemes && services.schemes;
    this.#ports = portsOf(directory);
    if (board.intake !== undefined) {
      const parts = { ports: this.#ports, recipients, rights, store, inner: this.request };
      groups.quick = new QuickIntake(board.intake, parts);
    }
    if (groups.schemes !== undefined) this.schemes?.connect(groups.schemes, this, board.random);
    this.net = board.datagram ?? meshOf(board, identity);
    this.endpoint = new Endpoint({
      clock,
      random: board.random,
      net: this.net,
      port: COAP_PORT,
      limits: LIMITS,
      leisureMicros: LEISURE_MICROS,
    });
    this.exchanges = new Exchanges({ clock, random: board.random, limits: LIMITS });
    this.dialogues = services.dialogues;
    this.plainReplies = new RateLimit(clock, PLAIN_BURST, PLAIN_REFILL_MICROS);
    this.role = buildRole(this, board, identity, services.upkeep?.shown(this, board, identity));
    this.follows = this.role.target !== undefined;
    this.resources = new Resources(this.role.bit, this.role.face);
    const wake = services.presses?.begin(this, board, identity.targets);
    this.onReports = (reports) => log(summaryOf(reports));
    this.#idle = new Idle({ clock, store, recipients, keyring });
    this.tickUptime();
    for (const { address } of directory.appGroups()) {
      if (isMulticast(address)) this.net.join(address);
    }
    this.net.onDatagram = (datagram) => void this.receive(datagram);
    const channels = services.channels?.begin(this, board, (datagram) => this.receive(datagram));
    if (channels !== undefined) {
      this.channels = channels;
      channels.wake = wake;
    }
  }

  /** Everything a datagram can come to is counted once, here. */
  receive(datagram: Datagram): Outcome<true> {
    const outcome = receive(this, datagram);
    const idle = this.#idle;
    if (outcome.ok) idle.lastMicros = datagram.atMicros;
    if (!idle.isWaiting) idle.watch();
    this.trace.count(outcome.ok ? "accepted" : outcome.drop);
    return outcome;
  }

  /** Sends a command to the group this switch or sensor commands. Throws when it has none. */
  command(command: Command): boolean {
    const { target } = this.role;
    if (target === undefined) throw new RangeError("a luminaire commands no group");
    return sendCommand(this, target, command);
  }

  listensOn(port: number): boolean {
    return this.#ports.includes(port);
  }

  /** Spread of answers to a group request (RFC 7252 §8.2). */
  get leisureMicros(): number {
    return this.role.face.settings.get(setting.LEISURE) * 1000;
  }

  /**
   * Of two commands that crossed in flight the larger client id's wins, on every device alike
   * (lighting/switch.ts).
   */
  prevails(arriving: Arriving): boolean {
    const { groups } = this;
    const { kid } = arriving.read(groups.directory).binding(groups.schemes);
    const ownId = arriving.association.security.own?.id ?? groups.clientId;
    if (kid.length !== ownId.length) return kid.length > ownId.length;
    return compareKeyIds(kid, ownId) > 0;
  }

  private tickUptime(): void {
    this.groups.uptime.tick();
    // For what a device writes that hears nobody.
    this.#idle.watch();
    this.clock.after(UPTIME_TICK_MICROS, () => this.tickUptime());
  }
}

function portsOf(directory: Directory): number[] {
  const ports = [COAP_PORT];
  for (const { port } of directory.appGroups()) if (!ports.includes(port)) ports.push(port);
  return ports;
}

/** An 802.15.4 radio becomes a datagram service by way of 6LoWPAN. */
function meshOf(board: Board, identity: Identity): DatagramPort {
  const { network } = identity;
  if (board.mesh === undefined) throw new Error("board: neither a datagram service nor a radio");
  if (network === undefined) {
    throw new Error("provisioning.network: missing, and this board has an 802.15.4 radio");
  }
  return board.mesh(network);
}

function summaryOf(reports: readonly MemberReport[]): string {
  const of = (result: string) => reports.filter((report) => report.result === result).length;
  return `reports: ${of("ok")} ok, ${of("failed")} failed, ${of("lampFailure")} lamp failures`;
}
