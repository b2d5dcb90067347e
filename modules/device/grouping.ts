/**
 * A grouping, as the device knows of it: a switch that begins and ends one for its group, or a lamp
 * or sensor that a tap puts into the group or takes out (commission/gestures.ts, state "grouping").
 *
 * The problem: a press on a lamp is for its light, at once and with no server anywhere; the same
 * press is to change a group while that is open. Rejected: to ask at each press whether one is open
 * (light would wait for an answer, and go by itself only after none). Chosen: the KDC says so
 * beforehand to all that can be tapped, for as many seconds as it may last without another tap, and
 * says it again while it lasts. Whoever was not told has a press for light; a KDC that is gone is
 * forgotten in three minutes.
 *
 * A held switch asks when it is let go: ten seconds are another gesture, and who goes on holding
 * has asked for nothing.
 */
import {
  type Announcement,
  emitTap,
  emitWish,
  parseAnnouncement,
  parseOpened,
  parseTapped,
} from "../access/grouping.js";
import {
  BAD_REQUEST,
  CBOR,
  CHANGED,
  CREATED,
  codeText,
  FORBIDDEN,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  POST,
  PUT,
} from "../coap/options.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { PatternName } from "../ports/indicator.js";
import type { Answered, SecureRequest, SecureResponse, Told } from "../secure/request.js";
import type { Center } from "./parts.js";

const SECOND = 1_000_000;

export interface GroupingParts {
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Undefined: the installation names none. */
  readonly center: () => Center | undefined;
  /** What is shown is something else. */
  readonly changed: () => void;
}

export class Grouping {
  readonly #parts: GroupingParts;
  /** The one that is open. */
  #number: number | undefined = undefined;
  /** Of who can be tapped. */
  #isIn: boolean | undefined = undefined;
  /** An answer is on its way. */
  #isAsking = false;
  #timer: Timer | undefined = undefined;

  constructor(parts: GroupingParts) {
    this.#parts = parts;
  }

  /** What it looks like; undefined: none is open. */
  get pattern(): PatternName | undefined {
    if (this.#number === undefined) return undefined;
    if (this.#isIn === undefined) return "open";
    if (this.#isAsking) return "joining";
    return this.#isIn ? "in" : "out";
  }

  /** What the KDC says to who can be tapped. */
  told({ number, isIn, seconds }: Announcement): void {
    if (isIn === undefined) {
      // Of another one than ours: that is over already.
      if (number === this.#number) this.#over();
      return;
    }
    const isOurs = number === this.#number;
    this.#isIn = isIn;
    if (!isOurs) this.#isAsking = false;
    this.#last(number, seconds);
  }

  /** A switch that was held and let go. */
  begin(appGroup: number): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#say("grouping", emitWish({ appGroup }), (answered) => {
      this.#isAsking = false;
      const { response } = answered.ok ? answered : {};
      const opened =
        response?.code === CREATED && parseOpened(response.payload ?? new Uint8Array(0));
      if (!opened) {
        this.#parts.log(`grouping: ${whyNot(answered)}`);
        this.#parts.changed();
        return;
      }
      this.#parts.log("grouping: open; tap lamps and sensors, then this switch");
      this.#last(opened.number, opened.seconds);
    });
  }

  /** The press that the switch's grouping ends by. */
  end(): void {
    const number = this.#number;
    if (number === undefined) return;
    this.#over();
    // Who does not hear it ends it by the time.
    this.#say("grouping", emitWish({ number }), () => {});
  }

  /** At this device, for light: whoever looks for it sees its row. */
  pressed(): void {
    this.#parts.center()?.ask({ method: POST, path: ["pressed"] }, () => {});
  }

  /** The other way than it is shown. */
  tap(): void {
    const [number, before] = [this.#number, this.#isIn];
    if (number === undefined || before === undefined || this.#isAsking) return;
    this.#isAsking = true;
    this.#parts.changed();
    this.#say("tapped", emitTap({ number, isIn: !before }), (answered) => {
      if (number !== this.#number) return;
      this.#isAsking = false;
      const { response } = answered.ok ? answered : {};
      const isIn = parseTapped(response?.payload ?? new Uint8Array(0));
      if (response?.code !== CHANGED) this.#parts.log(`grouping: ${whyNot(answered)}`);
      if (response?.code === NOT_FOUND) this.#over();
      else {
        if (isIn !== undefined) this.#isIn = isIn;
        this.#parts.changed();
      }
    });
  }

  #say(place: string, payload: Uint8Array, done: Told): void {
    const center = this.#parts.center();
    const what = { method: POST, path: [place], format: CBOR, payload };
    if (center !== undefined) center.ask(what, done);
    else this.#parts.clock.after(0, () => done({ ok: false, why: "unreachable" }));
  }

  #last(number: number, seconds: number): void {
    const { clock, changed } = this.#parts;
    this.#number = number;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#timer = clock.after(seconds * SECOND, () => this.#over());
    changed();
  }

  #over(): void {
    const { clock, changed, center } = this.#parts;
    // Who was let in does not know yet what this switch may do.
    const isSwitch = this.#number !== undefined && this.#isIn === undefined;
    if (isSwitch) center()?.present();
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#number = undefined;
    this.#isIn = undefined;
    this.#isAsking = false;
    changed();
  }
}

/** What a device has for a hand (presses.ts). */
export interface Hand {
  /** Of the button, without bounces; whether this press may be one for light. */
  edge(down: boolean, atMicros: number): boolean;
  announced(said: Announcement): void;
}

/** PUT /grouping. */
export function heardGrouping(
  wake: (() => Hand) | undefined,
  isCenter: boolean,
  { method, payload }: SecureRequest,
): SecureResponse {
  if (wake === undefined) return { code: NOT_FOUND };
  if (method !== PUT) return { code: METHOD_NOT_ALLOWED };
  if (!isCenter) return { code: FORBIDDEN }; // check: grouping-kdc
  const said = parseAnnouncement(payload);
  if (said === undefined) return { code: BAD_REQUEST };
  wake().announced(said);
  return { code: CHANGED };
}

function whyNot(answered: Answered): string {
  return answered.ok ? `refused with ${codeText(answered.response.code)}` : answered.why;
}
