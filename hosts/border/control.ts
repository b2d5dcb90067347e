/**
 * A station's end of the medium's control socket (hosts/medium/protocol.ts): virtual time, the
 * radio, and grants. What happens outside of the medium waits here for the next grant.
 */
import { connect, type Socket } from "node:net";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { Clock, Timer } from "../../modules/ports/clock.js";
import type { Radio } from "../../modules/ports/radio.js";
import type { TraceEvent } from "../../modules/ports/trace.js";
import type { DeviceEvent } from "../medium/protocol.js";
import { BorderError } from "./error.js";

/** Errands that wait for a grant; more are dropped, as a receive ring does. */
const ERRANDS_MAX = 256;

interface Entry {
  readonly id: number;
  readonly dueMicros: number;
  readonly fire: () => void;
}

interface Grant {
  readonly grant: number;
  readonly events: readonly DeviceEvent[];
}

export class Control implements Clock {
  readonly radio: Radio;
  readonly trace = { count: (event: TraceEvent) => this.#say({ trace: event }) };
  /** When the first time is granted. */
  onBoot: () => void = () => {};
  /** The medium wants it to end, or is gone. */
  onEnd: () => void = () => {};
  onCommand: (command: string) => void = () => {};
  /** Errands there was no room for. */
  dropped = 0;
  readonly #socket: Socket;
  #nowMicros = 0;
  #greeted = false;
  #booted = false;
  #timers: Entry[] = [];
  #lastTimer = 0;
  #lastFrame = 0;
  #errands: (() => void)[] = [];
  #rest = "";

  private constructor(socket: Socket, eui64: Uint8Array) {
    this.#socket = socket;
    this.radio = {
      eui64,
      onSent: undefined,
      onFrame: undefined,
      setAddress: ({ pan, short }) => this.#say({ address: { pan, short } }),
      send: (frame) => {
        this.#lastFrame += 1;
        this.#say({ tx: toHex(frame), id: this.#lastFrame });
        return this.#lastFrame;
      },
    };
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("close", () => this.onEnd());
    socket.on("error", () => socket.destroy());
  }

  static connect(path: string, eui64: Uint8Array): Promise<Control> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once("error", (error) => {
        const why = `${path}: ${error.message}; is there a medium? Start the room first`;
        reject(new BorderError(why));
      });
      socket.once("connect", () => {
        resolve(new Control(socket, eui64));
      });
    });
  }

  /** From now on time is granted. */
  hello(): void {
    this.#greeted = true;
    const engine = `node ${process.versions.node}`;
    const eui64 = toHex(this.radio.eui64);
    this.#socket.write(`${JSON.stringify({ hello: { eui64, engine } })}\n`);
  }

  micros(): number {
    return this.#nowMicros;
  }

  after(delayMicros: number, fire: () => void): Timer {
    const entry = { id: ++this.#lastTimer, dueMicros: this.#nowMicros + delayMicros, fire };
    let at = this.#timers.length;
    while (at > 0 && this.#timers[at - 1].dueMicros > entry.dueMicros) at--;
    this.#timers.splice(at, 0, entry);
    return entry.id;
  }

  cancel(timer: Timer): void {
    this.#timers = this.#timers.filter(({ id }) => id !== timer);
  }

  /** Does it as soon as the medium gives it time. */
  soon(errand: () => void): void {
    if (this.#errands.length >= ERRANDS_MAX) {
      this.dropped += 1;
      return;
    }
    if (this.#errands.length === 0 && this.#greeted) this.#socket.write('{"wake":true}\n');
    this.#errands.push(errand);
  }

  /** One line for a person, or for a program. */
  log(text: string): void {
    this.#say({ log: text });
  }

  close(): void {
    this.#socket.end();
  }

  #say(what: object): void {
    this.#socket.write(`${JSON.stringify({ at: this.#nowMicros, ...what })}\n`);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#take(JSON.parse(line) as Record<string, unknown>);
  }

  #take(line: Record<string, unknown>): void {
    if (line.stop === true) {
      this.onEnd();
    } else if (line.usage === true) {
      const { heapUsed, heapTotal } = process.memoryUsage();
      const usage = { liveBytes: heapUsed, peakBytes: heapTotal };
      this.#socket.write(`${JSON.stringify({ usage })}\n`);
    } else if (typeof line.grant === "number") {
      this.#run(line as unknown as Grant);
    }
  }

  #run({ grant: until, events }: Grant): void {
    if (!this.#booted) {
      this.#booted = true;
      this.#nowMicros = until;
      this.onBoot();
    }
    for (const event of events) {
      this.#pass(event.at);
      this.#happens(event);
    }
    this.#pass(until);
    this.#nowMicros = until;
    for (const errand of this.#errands.splice(0)) errand();
    // Their timers may be due at once.
    this.#pass(until);
    const next = this.#timers[0]?.dueMicros ?? null;
    this.#socket.write(`${JSON.stringify({ done: until, next })}\n`);
  }

  /** Time passes, and timers with it. */
  #pass(untilMicros: number): void {
    for (let first = this.#timers[0]; first !== undefined; first = this.#timers[0]) {
      if (first.dueMicros > untilMicros) break;
      this.#timers.shift();
      this.#nowMicros = Math.max(this.#nowMicros, first.dueMicros);
      first.fire();
    }
    this.#nowMicros = Math.max(this.#nowMicros, untilMicros);
  }

  #happens(event: DeviceEvent): void {
    if ("frame" in event) {
      this.radio.onFrame?.(fromHex(event.frame), this.#nowMicros);
    } else if ("sent" in event) {
      const { sent: id, acked, transmitted } = event;
      this.radio.onSent?.({ id, acked, transmitted });
    } else if ("command" in event) {
      this.onCommand(event.command);
    }
  }
}
