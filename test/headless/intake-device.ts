/**
 * One luminaire on the headless host, told by a script what arrives and when: intake.test.ts runs
 * it with native help and without, and holds what it prints and its flash file equal.
 *
 * The provisioning file is the script: 1 for native help or 0, then steps of kind (1 byte), length
 * (2), body. After each step a line says what came of it; lines that begin with # may differ.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { Reader } from "../../modules/bytes/reader.js";
import { Device } from "../../modules/device/device.js";
import { schemes } from "../../modules/device/schemes.js";
import type { Board } from "../../modules/ports/board.js";
import type { Datagram, Endpoint } from "../../modules/ports/datagram.js";
import type { Flash, Journal } from "../../modules/ports/flash.js";
import {
  ANSWER_MARKED,
  type BoundIntake,
  type BoundMembers,
  DECLINED,
  type Intake,
  type IntakeState,
} from "../../modules/ports/intake.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";
import { PoweredClock, TestClock } from "../support/clock.js";
import { FakeSignatures } from "../support/fake-signatures.js";
import { SeededRandom } from "../support/random.js";

export const STEP = Object.freeze({ START: 1, DATAGRAM: 2, WAIT: 3, KEY: 4, WEAR: 5, HOSTILE: 6 });

/** The groups' address and the lamp's own. */
export const ADDRESS: Uint8Array = Uint8Array.of(
  255,
  21,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  253,
);
export const UNICAST: Uint8Array = new Uint8Array(16).fill(0xfd);

/** Places in IntakeState that hold no buffer. */
const KEYS = 6;
const RIGHTS_CAPACITY = 7;

/**
 * Counts what TypeScript asks of flash, which is all there is without native help; with it the
 * store has help, too.
 */
class CountedFlash implements Flash {
  operations = 0;
  /** Bytes of the log that native help went through. */
  scanned = 0;
  readonly size: number;
  readonly eraseBytes: number;
  readonly programBytes: number;
  readonly journal?: Journal;
  readonly #flash = new HostFlash();

  constructor(isNative: boolean) {
    const { size, eraseBytes, programBytes, journal } = this.#flash;
    this.size = size;
    this.eraseBytes = eraseBytes;
    this.programBytes = programBytes;
    if (!isNative || journal === undefined) return;
    this.journal = {
      scan: (cursor, index, start, end, ...rest) => {
        const to = journal.scan(cursor, index, start, end, ...rest);
        this.scanned += to - start;
        return to;
      },
      read: (...all) => journal.read(...all),
      isErased: (start, end) => journal.isErased(start, end),
      keys: (...all) => journal.keys(...all),
      load: (...all) => journal.load(...all),
      heads: (...all) => journal.heads(...all),
    };
  }

  read(offset: number, into: Uint8Array): void {
    this.#flash.read(offset, into);
  }

  program(offset: number, bytes: Uint8Array): boolean {
    const isDone = this.#flash.program(offset, bytes);
    if (isDone) this.operations++;
    return isDone;
  }

  erase(offset: number): boolean {
    const isDone = this.#flash.erase(offset);
    if (isDone) this.operations++;
    return isDone;
  }
}

/** How often native help was asked, and what it said. */
class CountedIntake implements Intake {
  readonly answers = { opened: 0, marked: 0, dropped: 0, declined: 0 };
  state: IntakeState | undefined = undefined;

  bind(state: IntakeState): BoundIntake {
    this.state = state;
    const bound = host().intakeBind(state);
    return { open: (bytes, address, port) => this.#count(bound.open(bytes, address, port)) };
  }

  bindMembers(state: IntakeState): BoundMembers {
    const bound = host().intakeBindMembers?.(state);
    if (bound === undefined) throw new Error("no native help for members' messages");
    return {
      open: (bytes, address, port) => this.#count(bound.open(bytes, address, port)),
      mark: () => {
        const answer = bound.mark();
        if (answer >= 0 && (answer & ANSWER_MARKED) !== 0) this.answers.marked++;
        return answer;
      },
    };
  }

  #count(answer: number): number {
    const { answers } = this;
    if (answer === DECLINED) answers.declined++;
    else if (answer < 0) answers.dropped++;
    else answers.opened++;
    if (answer >= 0 && (answer & ANSWER_MARKED) !== 0) answers.marked++;
    return answer;
  }
}

/** Native crypto, and signatures that cost a hash. */
class FakedCrypto extends HostCrypto {
  readonly fake = new FakeSignatures();

  override get signatures(): FakeSignatures {
    return this.fake;
  }
}

class Bench {
  readonly flash: CountedFlash;
  readonly intake: CountedIntake | undefined;
  readonly #time = new TestClock(1_000_000);
  readonly #crypto = new FakedCrypto();
  readonly #hasSchemes: boolean;
  #power = new PoweredClock(this.#time);
  #device: Device | undefined = undefined;
  /** Since the last step: what went out, to the lamp and to the net. */
  #shown = "";
  #sent = "";

  constructor(isNative: boolean, hasSchemes: boolean) {
    this.#hasSchemes = hasSchemes;
    this.flash = new CountedFlash(isNative);
    this.intake = isNative ? new CountedIntake() : undefined;
  }

  /** One line: outcome, light, answers; then replay state, rights, index and cursor, digested. */
  step(kind: number, body: Uint8Array): string {
    this.#shown = "";
    this.#sent = "";
    const outcome = this.#take(kind, new Reader(body));
    if (this.#device === undefined) return outcome;
    const { groups, rights, store } = this.device;
    const { cursor, index } = store.journal;
    const states = [groups.recipients.columns, rights.columns, index, cursor];
    const state = states.map((one) => this.#digest(one)).join(" ");
    return `${outcome} ${this.#shown}|${this.#sent}| ${state}${this.#policies()}`;
  }

  /** What was verified, and what waits for it. */
  #policies(): string {
    const { schemes } = this.device.groups;
    if (schemes === undefined) return "";
    const { unverified, contexts, proof, sender } = schemes;
    const { verified } = this.#crypto.fake;
    return ` ${unverified?.count} ${contexts.count} ${proof.by} ${toHex(sender)} ${verified}`;
  }

  get device(): Device {
    if (this.#device === undefined) throw new Error("the first step is a start");
    return this.#device;
  }

  #take(kind: number, body: Reader): string {
    if (kind === STEP.START) return this.#start(body.take(body.left));
    if (this.#device === undefined) return "off";
    if (kind === STEP.DATAGRAM) return this.#datagram(body);
    if (kind === STEP.WAIT) this.#time.advance(body.u32());
    else if (kind === STEP.KEY) return this.#install(body);
    else if (kind === STEP.WEAR) return this.#wear(body.u32());
    else if (kind === STEP.HOSTILE) return this.#hostile(body);
    return "waited";
  }

  #start(blob: Uint8Array): string {
    this.#power.isOff = true;
    this.#power = new PoweredClock(this.#time);
    const { flash, intake } = this;
    const board: Board = {
      clock: this.#power,
      random: new SeededRandom(1),
      crypto: this.#crypto,
      ...(intake === undefined ? {} : { intake }),
      flash,
      trace: { count: () => {} },
      light: {
        failed: false,
        show: ({ level }) => {
          this.#shown += `${level} `;
        },
      },
      button: { onEdge: undefined },
      sensor: { onMotion: undefined, onLux: undefined },
      datagram: {
        address: new Uint8Array(16).fill(0xfd),
        onDatagram: undefined,
        join: () => true,
        leave: () => {},
        send: ({ to, bytes }) => {
          this.#sent += `${to.port}:${toHex(bytes)} `;
          return true;
        },
      },
      provisioning: () => blob,
      log: () => {},
      fatal: (line) => {
        throw new Error(line);
      },
    };
    this.#device = undefined;
    try {
      this.#device = Device.start(board, this.#hasSchemes ? { schemes } : {});
      return "started";
    } catch (error) {
      return `refused: ${(error as Error).message}`;
    }
  }

  #datagram(body: Reader): string {
    const to = placeOf(body);
    const from = new Uint8Array(16).fill(0xfd);
    from[15] = 1;
    const datagram: Datagram = {
      from: { address: from, port: 5683 },
      to,
      bytes: body.take(body.left),
      atMicros: this.#time.micros(),
    };
    const outcome = this.device.receive(datagram);
    return outcome.ok ? "accepted" : outcome.drop;
  }

  #install(body: Reader): string {
    const { directory, keyring } = this.device.groups;
    const security = directory.security(body.u8());
    if (security === undefined) throw new Error("no such security group");
    const keyId = Uint8Array.of(body.u8());
    const raw = new Uint8Array(16).fill(body.u8());
    const offer = { keyId, raw, validitySeconds: undefined, messages: undefined };
    return keyring.install(security, offer).ok ? "installed" : "refused";
  }

  /** A cell ahead of the log's end that cannot be programmed any more. */
  #wear(ahead: number): string {
    const position = new Int32Array(this.device.store.journal.cursor)[0];
    const { programBytes } = this.flash;
    const bytes = new Uint8Array(programBytes);
    return this.flash.program(position + ahead * programBytes, bytes) ? "worn" : "worn before";
  }

  /** Native help on buffers that are no state of a device: it declines or throws RangeError. */
  #hostile(body: Reader): string {
    const { address, port } = placeOf(body);
    const datagram = body.take(body.left);
    const { intake } = this;
    if (intake?.state === undefined) return "hostile";
    const good = intake.state;
    for (let i = 0; i < good.length; i++) {
      if (i === KEYS) continue;
      for (const size of [0, 1, 2, 27, 28, 29, 44, 127, 129, 255, 4096]) {
        const bad = good.slice() as unknown[];
        bad[i] = i === RIGHTS_CAPACITY ? -size : new ArrayBuffer(size);
        try {
          const bound = host().intakeBind(bad as unknown as IntakeState);
          const answer = bound.open(datagram, address, port);
          if (answer >= 0 && (answer & ANSWER_MARKED) !== 0) throw new Error(`${i}: marked`);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      }
    }
    return "hostile";
  }

  #digest(buffer: ArrayBuffer): string {
    return toHex(this.#crypto.sha256(new Uint8Array(buffer)).subarray(0, 4));
  }
}

function placeOf(body: Reader): Endpoint {
  const length = body.u8();
  const address = length === 0 ? ADDRESS : length === 1 ? UNICAST : body.take(length);
  return { address: address.slice(), port: body.u16() };
}

export default function main(): number {
  const script = new Reader(host().provisioning() as Uint8Array);
  const kind = script.u8();
  const bench = new Bench((kind & 1) !== 0, (kind & 2) !== 0);
  const { print } = host();
  for (let i = 0; script.left > 0; i++) {
    const step = script.u8();
    const body = script.take(script.u16());
    if (script.failed) throw new Error("the script is cut");
    print(`${i} ${bench.step(step, body)}`);
  }
  const counts = bench.intake?.answers ?? {};
  const { operations, scanned } = bench.flash;
  print(`# ${JSON.stringify({ ...counts, operations, scanned })}`);
  return 0;
}
