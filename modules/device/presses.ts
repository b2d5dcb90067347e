/**
 * What a hand does at a device that is in use. The table (commission/gestures.ts) says what; this
 * carries out what is more than light, in images that have room for it.
 *
 * The problem: one button, and a switch's presses must act the moment they can be told. Rejected:
 * everything through one recogniser, which would stand between a press and its datagram. Chosen: a
 * switch keeps its own (lighting/switch.ts), and this one looks on; what they both see it never
 * does twice. Only a press while a reset is armed is kept from the switch.
 *
 * A reset: ten seconds arm it, which is shown for ten more; in these a short press does it, and a
 * hold, or time, undoes it. What a press means follows from what there was when it began. While a
 * group is open (grouping.ts) a press is for that, and not for light.
 */
import type { Announcement } from "../access/grouping.js";
import { isMulticast } from "../coap/addresses.js";
import { NON, type Option } from "../coap/message.js";
import { addPath, addUint, NO_RESPONSE, PUT } from "../coap/options.js";
import { type Gesture, type State, TABLE } from "../commission/gestures.js";
import { Press } from "../commission/press.js";
import { LampSign } from "../commission/sign.js";
import { Contact } from "../lighting/contact.js";
import { LOCAL_SENDER } from "../lighting/luminaire.js";
import { PRESS_SCENE } from "../lighting/settings.js";
import type { Board } from "../ports/board.js";
import type { Timer } from "../ports/clock.js";
import { ROLE_NAMES, type RoleName } from "../ports/role.js";
import { sealRequest } from "./asking.js";
import { Grouping, type Hand } from "./grouping.js";
import type { Parts } from "./parts.js";
import { NO_ANSWER } from "./send.js";

/** How long a reset stays armed. */
const ARMED_MICROS = 10_000_000;
/**
 * A scene is what lamps are set to: it is stored when those that missed the command before have
 * heard its first repetition (lighting/repeater.ts), and said twice, as commands are.
 */
const STORE_MICROS = 300_000;

export interface PressService {
  /** Once the role has its button; the hand, made when it is first asked for. */
  begin(device: Parts, board: Board, targets: readonly number[]): () => Hand;
}

/** What it needs of the board, which is not kept. */
interface Around extends Pick<Board, "light" | "log" | "indicator"> {
  readonly targets: readonly number[];
}

class Presses implements Hand {
  readonly #device: Parts;
  readonly #around: Around;
  readonly #role: RoleName;
  readonly #sign: LampSign | undefined;
  readonly #scenes: SceneStore | undefined;
  readonly #press: Press;
  readonly #grouping: Grouping;
  /** A switch was held for five seconds, and still is. */
  #isHeld = false;
  #state: State = "joined";
  /** When the press began. */
  #began: State = "joined";
  #timer: Timer | undefined = undefined;

  constructor(device: Parts, around: Around, scenes: SceneStore | undefined) {
    const { role, clock } = device;
    this.#device = device;
    this.#around = around;
    this.#scenes = scenes;
    this.#role = ROLE_NAMES[Math.log2(role.bit) - 1];
    this.#sign = role.face.luminaire && new LampSign(clock, around.light);
    this.#press = new Press(clock, (gesture) => this.#told(gesture));
    this.#grouping = new Grouping({
      ...{ clock, log: around.log, changed: () => this.#show() },
      center: () => device.center,
    });
  }

  announced(said: Announcement): void {
    this.#grouping.told(said);
  }

  edge(down: boolean, atMicros: number): boolean {
    if (down) this.#began = this.#state;
    if (down) this.#scenes?.leave();
    this.#press.edge(down, atMicros);
    return this.#began === "joined";
  }

  #told(gesture: Gesture | "released"): void {
    const { luminaire, wallSwitch } = this.#device.role.face;
    const { target } = this.#device.role;
    if (gesture === "released") {
      const isMeant = this.#isHeld && target !== undefined;
      this.#isHeld = false;
      if (isMeant) this.#grouping.begin(target);
      return;
    }
    const isLate = this.#began !== this.#state;
    if (isLate) return; // check: press-late
    const action = TABLE[this.#role][this.#state][gesture];
    if (action === "toggle" && luminaire !== undefined) {
      luminaire.apply({ on: !luminaire.state().on }, LOCAL_SENDER);
      this.#grouping.pressed();
    } else if (action === "beginGrouping") {
      wallSwitch?.takeBack();
      this.#isHeld = true;
      this.#around.indicator?.show("open");
    } else if (action === "changeMembership") this.#grouping.tap();
    else if (action === "endGrouping") this.#grouping.end();
    else if (action === "armReset") this.#arm();
    else if (action === "disarm") this.#disarm();
    else if (action === "reset") this.#reset();
  }

  /** What the state is, where no reset is armed, and how it looks. */
  #show(): void {
    if (this.#state === "armed") return;
    const { pattern } = this.#grouping;
    const wasOpen = this.#state === "grouping";
    this.#state = pattern === undefined ? "joined" : "grouping";
    this.#around.indicator?.show(pattern ?? "off");
    if (pattern !== undefined) this.#sign?.show(pattern);
    else if (wasOpen) this.#leaveSign();
  }

  /** The light as it was set meanwhile. */
  #leaveSign(): void {
    this.#sign?.leave();
    this.#device.role.face.luminaire?.identify(0);
  }

  #arm(): void {
    const { log, indicator } = this.#around;
    const { clock } = this.#device;
    log("reset: armed; press once within ten seconds, or do nothing");
    // A grouping that the same hold has passed was not begun.
    this.#isHeld = false;
    this.#state = "armed";
    this.#sign?.show("armed");
    indicator?.show("armed");
    this.#timer = clock.after(ARMED_MICROS, () => this.#disarm());
  }

  #disarm(): void {
    const { clock } = this.#device;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#state = "joined";
    this.#leaveSign();
    this.#show();
    this.#around.log("reset: not armed any more");
  }

  #reset(): void {
    const { upkeep } = this.#device.role.face;
    if (upkeep?.system.factoryReset() !== true) {
      this.#around.log("reset: flash refuses it");
      this.#disarm();
      return;
    }
    // Armed to the eye until the restart.
    if (this.#timer !== undefined) this.#device.clock.cancel(this.#timer);
    this.#timer = undefined;
  }
}

/** Says to a switch's groups: what you are set to is the scene that a double press recalls. */
class SceneStore {
  readonly #device: Parts;
  readonly #targets: readonly number[];
  #timer: Timer | undefined = undefined;

  constructor(device: Parts, targets: readonly number[]) {
    this.#device = device;
    this.#targets = targets;
  }

  begin(): void {
    this.leave();
    this.#await(2);
  }

  /** A new press may change what lamps are set to. */
  leave(): void {
    if (this.#timer !== undefined) this.#device.clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #await(times: number): void {
    this.#timer = this.#device.clock.after(STORE_MICROS, () => {
      this.#timer = undefined;
      for (const target of this.#targets) this.#say(target);
      if (times > 1) this.#await(times - 1);
    });
  }

  #say(target: number): void {
    const { groups, endpoint, net, trace, role } = this.#device;
    const appGroup = groups.directory.appGroup(target);
    if (appGroup === undefined) return;
    const options: Option[] = [];
    addPath(options, `/scn/${role.face.settings.get(PRESS_SCENE)}`);
    if (!isMulticast(appGroup.address)) addUint(options, NO_RESPONSE, NO_ANSWER);
    const sealed = sealRequest(groups, {
      header: { type: NON, mid: endpoint.nextMid(), token: new Uint8Array(0) },
      inner: { code: PUT, options, payload: undefined },
      ...{ appGroup, to: appGroup, peer: groups.keyring.current(appGroup.security)?.peerId },
    });
    const isSent =
      sealed !== undefined &&
      net.send({ to: appGroup, fromPort: appGroup.port, bytes: sealed.bytes });
    trace.count(isSent ? "sent" : "sendRefused");
  }
}

/** Nothing of it is there before the first press: heap that a lamp needs for its senders. */
function begin(device: Parts, board: Board, targets: readonly number[]): () => Hand {
  const { button, light, log, indicator } = board;
  let made: Hand | undefined;
  const wake = (): Hand => {
    made ??= handFor(device, { light, log, ...(indicator && { indicator }), targets });
    return made;
  };
  const { wallSwitch } = device.role.face;
  const edge = (down: boolean, atMicros: number) => wake().edge(down, atMicros);
  if (wallSwitch !== undefined) wallSwitch.isForLight = edge;
  else {
    button.onEdge = (down, atMicros) => {
      const contact = new Contact({ clock: device.clock, onEdge: edge });
      button.onEdge = (isDown, at) => contact.edge(isDown, at);
      contact.edge(down, atMicros);
    };
  }
  return wake;
}

function handFor(device: Parts, around: Around): Hand {
  const { wallSwitch } = device.role.face;
  const scenes = wallSwitch && new SceneStore(device, around.targets);
  if (scenes !== undefined) wallSwitch!.onLongDouble = () => scenes.begin();
  return new Presses(device, around, scenes);
}

export const presses: PressService = Object.freeze({ begin });
