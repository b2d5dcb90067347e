/**
 * The Intake port in TypeScript, made of the reference's own parts: what stands in for native help
 * where an engine has none. It marks nothing itself, and finds rows by looking at all of them.
 */
import { Id64 } from "../../modules/bytes/id64.js";
import { isMulticast } from "../../modules/coap/addresses.js";
import { NON } from "../../modules/coap/message.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import { isFreshIn } from "../../modules/oscore/window.js";
import type { AeadKey } from "../../modules/ports/crypto.js";
import {
  ANSWER_LEVEL_SHIFT,
  ANSWER_LIGHT,
  ANSWER_LINE_SHIFT,
  ANSWER_MULTICAST,
  ANSWER_NEWEST,
  ANSWER_ROW_SHIFT,
  type BoundIntake,
  DECLINED,
  INTAKE_DROPS,
  type Intake,
  type IntakeState,
  LINE_ASSOCIATION,
  LINE_BYTES,
  LINE_GROUP,
  LINE_IV,
  LINE_KEY_ID,
  LINE_KEY_ID_LENGTH,
  LINE_OPEN,
  LINE_PREFIX,
  LINE_PREFIX_LENGTH,
  RESULT_PLAIN,
  TABLE_HEAD_BYTES,
  TABLE_LINES,
} from "../../modules/ports/intake.js";

const ROW_BYTES = 31;
/** No command was applied. */
const NONE_APPLIED = 0;
const RIGHT_BYTES = 12;
/** Of a level: the right is for the device itself, or there is none. */
const DEVICE = 8;
/** POST, Uri-Path "l", payload. */
const LIGHT = [0x02, 0xb1, 0x6c, 0xff];

export class QuickInTypeScript implements Intake {
  /** Every state that was bound. */
  readonly states: IntakeState[] = [];
  /** Each answer given. */
  readonly answers: number[] = [];

  bind(state: IntakeState): BoundIntake {
    this.states.push([...state]);
    const bound = new Bound(state);
    return {
      open: (bytes, address, port) => {
        const answer = bound.open(bytes, { address, port });
        this.answers.push(answer);
        return answer;
      },
    };
  }
}

class Bound {
  readonly #tables: Uint8Array;
  readonly #result: Uint8Array;
  readonly #columns: ArrayBuffer;
  readonly #rights: ArrayBuffer;
  readonly #keys: AeadKey[];
  readonly #capacity: number;
  readonly #outer = new Outer();
  readonly #option = new OscoreOption();
  readonly #work = new Workspace();

  constructor([tables, result, recipients, rights, , , keys, capacity]: IntakeState) {
    this.#tables = new Uint8Array(tables);
    this.#result = new Uint8Array(result);
    this.#columns = recipients;
    this.#rights = rights;
    this.#keys = keys;
    this.#capacity = capacity;
  }

  open(bytes: Uint8Array, to: { address: Uint8Array; port: number }): number {
    const outer = this.#outer;
    const option = this.#option;
    if (!outer.scan(bytes) || outer.type !== NON || outer.code >= 64) return DECLINED;
    if (outer.hasOthers || outer.repeats || outer.appGroupStart < 0) return DECLINED;
    if (!option.parse(bytes, outer.oscoreStart, outer.oscoreLength)) return DECLINED;
    const line = this.#lineOf();
    if (line < 0) return DECLINED;
    const row = this.#rowOf(line);
    if (row < 0) return DECLINED;
    const rows = (this.#columns.byteLength - 1) / ROW_BYTES;
    const highest = new Float64Array(this.#columns, 0, rows);
    const windows = { highest, bits: new Int32Array(this.#columns, 8 * rows, 2 * rows), rows };
    if (!isFreshIn(windows, row, option.sequence)) return refusal("replayed");
    const plain = this.#plain(line, to);
    if (plain === undefined) return refusal("forged");
    const words = new DataView(this.#result.buffer);
    words.setFloat64(0, option.sequence, true);
    this.#result.set(plain, RESULT_PLAIN);
    const applied = new Uint8Array(this.#columns, 30 * rows + 1, rows)[row];
    const isNewest = applied === NONE_APPLIED || highest[row] - option.sequence + 1 < applied;
    const isLight = plain.length > 4 && LIGHT.every((byte, i) => plain[i] === byte);
    return (
      plain.length |
      (isLight ? ANSWER_LIGHT : 0) |
      (isNewest ? ANSWER_NEWEST : 0) |
      (isMulticast(to.address) ? ANSWER_MULTICAST : 0) |
      (this.#levelIn(line) << ANSWER_LEVEL_SHIFT) |
      (row << ANSWER_ROW_SHIFT) |
      (line << ANSWER_LINE_SHIFT)
    );
  }

  #line(number: number): DataView {
    const start = TABLE_HEAD_BYTES + LINE_BYTES * number;
    return new DataView(this.#tables.buffer, start, LINE_BYTES);
  }

  /** The line that has this group and key id and may be opened; -1 when there is none. */
  #lineOf(): number {
    const { bytes, appGroupStart, appGroupLength } = this.#outer;
    const { contextStart, contextLength } = this.#option;
    const group = new Id64().read(bytes, appGroupStart, appGroupLength);
    for (let i = 0; i < this.#tables[TABLE_LINES]; i++) {
      const line = this.#line(i);
      let same = appGroupLength <= 4 && line.getInt32(LINE_GROUP) === group.low;
      same = same && line.getUint8(LINE_KEY_ID_LENGTH) === contextLength;
      for (let k = 0; same && k < contextLength; k++) {
        same = line.getUint8(LINE_KEY_ID + k) === bytes[contextStart + k];
      }
      if (same && line.getUint8(LINE_OPEN) === 1) return i;
    }
    return -1;
  }

  #rowOf(line: number): number {
    const { kid, kidLength } = this.#option;
    const rows = (this.#columns.byteLength - 1) / ROW_BYTES;
    const column = (k: number) => new Int32Array(this.#columns, (16 + 4 * k) * rows, rows);
    const tag = this.#line(line).getUint16(LINE_ASSOCIATION) * 16 + kidLength;
    const [highs, lows] = [column(0), column(1)];
    const tags = new Uint16Array(this.#columns, 24 * rows, rows);
    return tags.findIndex((one, i) => one === tag && highs[i] === kid.high && lows[i] === kid.low);
  }

  #plain(line: number, to: { address: Uint8Array; port: number }): Uint8Array | undefined {
    const view = this.#line(line);
    const part = (at: number, length: number) =>
      new Uint8Array(view.buffer, view.byteOffset + at, length);
    const { bytes, payloadStart } = this.#outer;
    const { nonce, aad } = this.#work;
    nonce.fill(part(LINE_IV, 13), bytes, this.#option);
    aad.begin(part(LINE_PREFIX, view.getUint8(LINE_PREFIX_LENGTH)));
    aad.ids(bytes, this.#option, undefined);
    aad.endpoint(to.address, to.port);
    aad.empty();
    const sealed = bytes.subarray(payloadStart);
    return this.#keys[line].open({ nonce: nonce.bytes, aad: aad.finish(), sealed });
  }

  #levelIn(line: number): number {
    const { kid } = this.#option;
    const group = this.#line(line).getInt32(LINE_GROUP);
    const capacity = this.#capacity;
    const rows = new Int32Array(this.#rights, 0, 3 * capacity);
    const levels = new Uint8Array(this.#rights, RIGHT_BYTES * capacity, capacity);
    const index = levels.findIndex((level, i) => {
      const [low, high, scope] = rows.subarray(3 * i, 3 * i + 3);
      return low === kid.low && high === kid.high && scope === group && (level & DEVICE) === 0;
    });
    return index < 0 ? 0 : levels[index] & 7;
  }
}

function refusal(reason: (typeof INTAKE_DROPS)[number]): number {
  return -2 - INTAKE_DROPS.indexOf(reason);
}
