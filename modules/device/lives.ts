/**
 * The lives of a device: *provisioned* by whoever started it, *joined* by a commissioner whose blob
 * it keeps in flash, *standalone*, a switch that is its room's authority (commission/alone.ts), or
 * *fresh*, nobody's, with no more than its factory record. Decided at each start, in this order;
 * only a reset leads back.
 *
 * A joined one is started as if its blob had come with the board: nothing behind this knows the
 * difference. Where it cannot start by that for the first time, the join is undone: whoever made it
 * is far away, and a dark lamp takes no better one. In images without commissioning nothing of this
 * is there: whatever has no provisioning does not start.
 */
import type { Level } from "../access/level.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import type { Founded, StandaloneService } from "../commission/alone.js";
import { CYCLE_MICROS, endsCycles, forgetCycles } from "../commission/cycles.js";
import {
  clean,
  type Factory,
  factoryIn,
  factoryOf,
  keepFactory,
  useUp,
} from "../commission/factory.js";
import { Fresh } from "../commission/fresh.js";
import { forgetPieces, joinedIn, STARTED } from "../commission/joined.js";
import { Press } from "../commission/press.js";
import { LampSign } from "../commission/sign.js";
import { Contact } from "../lighting/contact.js";
import { SEQUENCE_MAX } from "../oscore/option.js";
import type { Board } from "../ports/board.js";
import type { DatagramPort } from "../ports/datagram.js";
import { lowlatency } from "../profiles/lowlatency.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { authorityIn } from "./authority.js";
import { checkRole, format, openLog } from "./boot.js";
import { Device, type Services } from "./device.js";
import { LIMITS } from "./limits.js";
import { type Provisioning, parseProvisioning, ROLE } from "./provision.js";
import { STORE_KEYS_MAX } from "./relations.js";
import { askReset } from "./reset.js";
import { VERSION } from "./version.js";

/** Bounds the tidying at start; a step copies eight records or erases a sector. */
const TIDY_STEPS = 64;
const OWNER = key(KIND.PROVISION, 0);
/** Nobody's: no PAN yet, no short address (IEEE 802.15.4 §7.3.1), link-local alone. */
const NO_PLACE = Object.freeze({ pan: 0xffff, short: 0xfffe, router: false });

/** With what makes a switch its room's authority, where the build has it. */
export interface Lives extends Services {
  readonly standalone?: StandaloneService;
}

/**
 * The device; undefined where it is fresh: then a press decides what becomes of it. Throws an Error
 * that says what to mend.
 */
export function begin(board: Board, services: Lives): Device | undefined {
  const blob = board.provisioning();
  const given = blob === undefined ? undefined : factoryIn(blob);
  if (blob !== undefined && given === undefined) return Device.start(board, services);
  const store = openStore(board, services, given !== undefined);
  const factory = store && factoryFor(store, given);
  if (store === undefined || factory === undefined) return Device.start(board, services);
  checkRole(factory.role, board.role);
  const joined = joinedIn(store, board.crypto);
  // A join that is in flash has used its label up, whether or not there was time to say so.
  let now = factory;
  if (joined !== undefined) now = used(board, store, { factory, n: joined.n }); // check: label-used
  let isClean = true;
  isClean = clean(board.flash, store, now.n); // check: label-clean
  if (!isClean) throw new Error("flash: does not forget a label that was used");
  if (joined !== undefined) {
    // The start after this is another life.
    if (isCycled(board, services, store, now)) return begin(board, services);
    return beginJoined(board, services, store, { blob: joined.blob, factory: now });
  }
  const founded = services.standalone?.foundedIn(board, store, now);
  if (founded !== undefined) return beginAlone(board, services, store, founded);
  beginFresh(board, services, store, now);
  return undefined;
}

function beginAlone(board: Board, services: Lives, store: Store, founded: Founded): Device {
  const { upkeep } = services;
  const { datagram, mesh } = board;
  const device = Device.start(
    {
      ...board,
      ...(datagram && { datagram: founded.net(datagram) }),
      ...(mesh && { mesh: (place) => founded.net(mesh({ ...place, hasNewcomers: true })) }),
      provisioning: () => founded.blob,
    },
    { ...services, ...(upkeep && { upkeep: { ...upkeep, open: () => store } }) },
  );
  founded.begin({
    store: device.store,
    seconds: () => device.groups.uptime.seconds(),
    debounced: (onEdge) => {
      const contact = new Contact({ clock: board.clock, onEdge });
      return (down, atMicros) => contact.edge(down, atMicros);
    },
    used: () => SEQUENCE_MAX - device.groups.sequence.left,
    present: () => device.channels?.presenting.begin(),
  });
  return device;
}

/** Whether so many short starts have asked for a reset, where there is one. */
function isCycled(board: Board, services: Services, store: Store, { cycles }: Factory): boolean {
  const isDue = services.upkeep !== undefined && endsCycles(store, cycles);
  if (!isDue || !askReset(store)) return false;
  board.log(`reset: by ${cycles} short starts in a row`);
  return true;
}

function beginJoined(
  board: Board,
  services: Services,
  store: Store,
  { blob, factory }: { blob: Uint8Array; factory: Factory },
): Device {
  const { upkeep } = services;
  const opened = upkeep && { upkeep: { ...upkeep, open: () => store } };
  const hasStarted = store.has(STARTED);
  let device: Device;
  try {
    device = Device.start({ ...board, provisioning: () => blob }, { ...services, ...opened });
  } catch (error) {
    // The store of before has been written to by another one.
    const now = hasStarted ? undefined : openLog(board.flash, STORE_KEYS_MAX);
    if (now !== undefined && askReset(now)) board.log("joined: but cannot start; so it is undone");
    throw error;
  }
  if (!hasStarted) device.store.put(STARTED, Uint8Array.of(1));
  const isCounted = factory.cycles !== undefined;
  if (isCounted) board.clock.after(CYCLE_MICROS, () => forgetCycles(device.store));
  return device;
}

/** Undefined where nothing was ever written, and nothing is to be. */
function openStore(board: Board, { upkeep }: Services, isGiven: boolean): Store | undefined {
  const { flash } = board;
  const openIt = () => openLog(flash, STORE_KEYS_MAX);
  const open = () => (upkeep === undefined ? openIt() : upkeep.open(board, openIt));
  let store = open();
  if (store === undefined && isGiven) {
    format(flash);
    store = openIt();
  }
  for (let step = 0; step < TIDY_STEPS && store?.needsTidy && store.tidy(); step++);
  return store;
}

/** What is in flash; what was given, when there is nothing yet. */
function factoryFor(store: Store, given: Factory | undefined): Factory | undefined {
  const kept = factoryOf(store);
  const factory = kept ?? given;
  if (factory === undefined) return undefined;
  const owner = store.get(OWNER) ?? factory.eui64;
  for (const eui64 of [owner, given?.eui64 ?? factory.eui64]) {
    if (equalBytes(eui64, factory.eui64)) continue;
    throw new Error(
      `flash: belongs to device ${toHex(factory.eui64)}, and not to ${toHex(eui64)}; ` +
        "give each device its own flash file",
    );
  }
  if (kept !== undefined) return kept;
  const isInstalled = store.has(OWNER);
  if (isInstalled) throw new Error(INSTALLED); // check: factory-over-installation
  if (!keepFactory(store, factory)) throw new Error("flash: refuses the factory record");
  return factory;
}

const INSTALLED =
  "flash: holds an installation that came with a file; start it with that file, and reset it, " +
  "before it is to be joined";

function used(board: Board, store: Store, join: { factory: Factory; n: number }): Factory {
  const next = useUp(board.crypto, store, join);
  if (next === undefined) throw new Error("flash: refuses to use a label up");
  return next;
}

function beginFresh(board: Board, services: Lives, store: Store, factory: Factory): Fresh {
  const { clock, random, crypto, trace, log, light, button } = board;
  const { standalone } = services;
  if (!forgetPieces(store)) throw new Error("flash: refuses to forget a join that never was");
  const sign = factory.role === ROLE.LUMINAIRE ? new LampSign(clock, light) : undefined;
  const fresh = new Fresh({
    ...{ clock, random, crypto, trace, log, store, factory },
    net: networkOf(board),
    firmware: VERSION,
    faultIn: (blob, levelMax) => faultIn(blob, { factory, board, services, levelMax }),
    show: (pattern) => {
      sign?.show(pattern);
      board.indicator?.show(pattern);
    },
    restart: board.restart ?? board.fatal,
    ...(standalone && { found: () => standalone.found(board, store, factory) }),
  });
  const press = new Press(clock, (gesture) => fresh.gesture(gesture));
  const onEdge = (down: boolean, atMicros: number) => press.edge(down, atMicros);
  const contact = new Contact({ clock, onEdge });
  button.onEdge = (down, atMicros) => contact.edge(down, atMicros);
  log(`fresh: device ${toHex(factory.eui64)} belongs to nobody; press it to let it be joined`);
  return fresh;
}

function networkOf({ datagram, mesh }: Board): DatagramPort {
  const prefix = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0);
  const net = datagram ?? mesh?.({ ...NO_PLACE, prefix, routes: new Map() });
  if (net === undefined) throw new Error("board: neither a datagram service nor a radio");
  return net;
}

interface Taker {
  readonly factory: Factory;
  readonly board: Board;
  readonly services: Services;
  readonly levelMax: Level;
}

/**
 * What a start by this blob would fail of, and what the join does not allow. It is told to whoever
 * joins, who can mend it; a device that had taken it would be dark.
 */
function faultIn(blob: Uint8Array, taker: Taker): string | undefined {
  try {
    const provisioning = parseProvisioning(blob);
    if (authorityIn(blob) === undefined) return "provisioning.authority: missing";
    return faultOf(provisioning, taker) ?? groupFault(provisioning, taker.services);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function faultOf(provisioning: Provisioning, taker: Taker): string | undefined {
  const { eui64, role, network, rights } = provisioning;
  const { factory, board, levelMax } = taker;
  const isOurs = equalBytes(eui64, factory.eui64);
  if (!isOurs) return `provisioning.eui64: this is ${toHex(factory.eui64)}`; // check: join-eui64
  const isRole = role === factory.role;
  if (!isRole) return `provisioning.role: this is ${factory.role}`; // check: join-role
  if (board.datagram === undefined && network === undefined) {
    return "provisioning.network: missing, and this device has an 802.15.4 radio";
  }
  const all = [...rights];
  const isMore = all.some(({ level }) => level > levelMax);
  if (isMore) return `provisioning.rights: ${levelMax} is the highest level`; // check: join-level
  return all.length > LIMITS.rightsMax
    ? `provisioning.rights: ${LIMITS.rightsMax} at most`
    : undefined;
}

function groupFault(provisioning: Provisioning, { schemes }: Services): string | undefined {
  const { role, target } = provisioning;
  const securities: number[] = [];
  for (const { id, profile, keys } of provisioning.securityGroups) {
    const isKnown = profile === lowlatency.name || schemes?.profiles[profile] !== undefined;
    if (!isKnown) return `provisioning.securityGroups: this firmware has no profile ${profile}`;
    if (keys.length > 0) return "provisioning.securityGroups: keys come from the authority";
    securities.push(id);
  }
  const groups: number[] = [];
  for (const { id, security } of provisioning.appGroups) {
    if (!securities.includes(security)) {
      return `provisioning.appGroups: security group ${security} of group ${id} is not listed`;
    }
    groups.push(id);
  }
  const isFull =
    groups.length > LIMITS.appGroupsMax || securities.length > LIMITS.securityGroupsMax;
  if (isFull) return "provisioning.appGroups: more than this device has room for";
  if (role === ROLE.LUMINAIRE) return undefined;
  const targets = provisioning.targets ?? (target === undefined ? [] : [target]);
  const isAimed = targets.length > 0 && targets.every((one) => groups.includes(one));
  return isAimed
    ? undefined
    : "provisioning.target: the group that this device commands is missing";
}
