/**
 * The quick way in: native help opens what it can (ports/intake.ts), from tables made here.
 *
 * The tables are this device's directory in bytes, made anew when it has changed. Only groups with
 * a single, endless key of a scheme that the native help knows are opened this way: what is special
 * is rare, and the reference's (locate.ts, open.ts). Nothing is allocated for a command.
 */
import { drop, type Outcome } from "../bytes/outcome.js";
import type { Inner, Option } from "../coap/message.js";
import { POST, URI_PATH } from "../coap/options.js";
import type { AeadKey } from "../ports/crypto.js";
import type { Datagram } from "../ports/datagram.js";
import {
  ANSWER_LIGHT,
  ANSWER_LINE_SHIFT,
  ANSWER_ROW_MASK,
  ANSWER_ROW_SHIFT,
  ANSWER_SIZE_MASK,
  DECLINED,
  INTAKE_DROPS,
  type Intake,
  LINE_ASSOCIATION,
  LINE_BYTES,
  LINE_GROUP,
  LINE_IV,
  LINE_KEY_ID,
  LINE_KEY_ID_LENGTH,
  LINE_OPEN,
  LINE_PREFIX,
  LINE_PREFIX_LENGTH,
  LINE_PREFIX_MAX,
  LINES_MAX,
  RESULT_BYTES,
  RESULT_ID,
  RESULT_PLAIN,
  TABLE_HEAD_BYTES,
  TABLE_LINES,
  TABLE_OWN,
  TABLE_OWN_LENGTH,
  TABLE_PORT_COUNT,
  TABLE_PORTS,
  TABLE_PORTS_MAX,
} from "../ports/intake.js";
import type { AppGroup, Association } from "./directory.js";
import type { Groups } from "./groups.js";

/** Before the payload of a light command: code, Uri-Path "l", marker. */
const LIGHT_HEAD_BYTES = 4;
/** The options of a light command; always this array, so that it is known without a look inside. */
export const LIGHT_OPTIONS: readonly Option[] = Object.freeze([
  Object.freeze({ number: URI_PATH, value: Uint8Array.of(0x6c) }),
]);

interface Line {
  readonly appGroup: AppGroup;
  readonly association: Association | undefined;
}

export class QuickIntake {
  readonly #native: Intake;
  readonly #ports: readonly number[];
  #tables = new Uint8Array(0);
  #revision = -1;
  #lines: Line[] = [];
  #keys: AeadKey[] = [];
  readonly #result = new Uint8Array(RESULT_BYTES);
  readonly #sequence = new Float64Array(this.#result.buffer, 0, 1);
  readonly #id = new Int32Array(this.#result.buffer, RESULT_ID, 3);
  /** By size of the plaintext: the payload in it. */
  readonly #payloads: (Uint8Array | undefined)[] = [];
  readonly #light: { code: number; options: readonly Option[]; payload: Uint8Array | undefined };
  readonly #opened: Outcome<Inner>;

  /** `ports` are those the device listens on, at most 8. */
  constructor(native: Intake, ports: readonly number[]) {
    this.#native = native;
    this.#ports = ports;
    this.#light = { code: POST, options: LIGHT_OPTIONS, payload: undefined };
    this.#opened = { ok: true, value: this.#light };
  }

  /**
   * The opened message, its window marked, or why there is none; undefined when the reference has
   * to look. Valid until the next call.
   */
  open(groups: Groups, datagram: Datagram): Outcome<Inner> | undefined {
    const { directory, recipients, arriving } = groups;
    if (directory.revision !== this.#revision) this.#makeTables(groups);
    const { address, port } = datagram.to;
    const answer = this.#native.open(
      datagram.bytes,
      address,
      port,
      this.#tables,
      recipients.columns,
      this.#keys,
      this.#result,
    );
    if (answer < 0) return answer === DECLINED ? undefined : drop(INTAKE_DROPS[-2 - answer]);
    const { appGroup, association } = this.#lines[answer >> ANSWER_LINE_SHIFT];
    const row = (answer >> ANSWER_ROW_SHIFT) & ANSWER_ROW_MASK;
    const size = answer & ANSWER_SIZE_MASK;
    const isLight = (answer & ANSWER_LIGHT) !== 0;
    const opened = isLight ? this.#command(size) : this.#inside(association, size);
    if (!opened.ok) return opened;
    const sequence = this.#sequence[0];
    if (!recipients.mark(row, sequence)) return drop("storeFailed"); // check: quick-mark-durable
    arriving.found(datagram, appGroup, association as Association, row);
    arriving.option.identify(sequence, this.#id);
    return opened;
  }

  #command(size: number): Outcome<Inner> {
    this.#light.payload = this.#payloads[size] ?? this.#payload(size);
    return this.#opened;
  }

  #inside(association: Association | undefined, size: number): Outcome<Inner> {
    const scheme = association?.security.profile.intake;
    if (scheme === undefined) throw new Error("native intake: opened under a scheme it has not");
    return scheme.inside(this.#result.slice(RESULT_PLAIN, RESULT_PLAIN + size));
  }

  #payload(size: number): Uint8Array {
    const start = RESULT_PLAIN + LIGHT_HEAD_BYTES;
    const view = new Uint8Array(this.#result.buffer, start, size - LIGHT_HEAD_BYTES);
    this.#payloads[size] = view;
    return view;
  }

  #makeTables(groups: Groups): void {
    const { directory, ownId } = groups;
    this.#revision = directory.revision;
    this.#lines = [];
    for (const appGroup of directory.appGroups()) {
      const { associations } = appGroup.security;
      // A group without a key is known all the same.
      if (associations.length === 0) this.#lines.push({ appGroup, association: undefined });
      for (const association of associations) this.#lines.push({ appGroup, association });
    }
    this.#keys = [];
    const lines = this.#lines;
    const tables = new Uint8Array(TABLE_HEAD_BYTES + LINE_BYTES * lines.length);
    const words = new DataView(tables.buffer);
    tables[TABLE_LINES] = lines.length;
    tables[TABLE_PORT_COUNT] = this.#ports.length;
    this.#ports.forEach((port, i) => void words.setUint16(TABLE_PORTS + 2 * i, port));
    tables[TABLE_OWN_LENGTH] = ownId.length;
    words.setInt32(TABLE_OWN, ownId.high);
    words.setInt32(TABLE_OWN + 4, ownId.low);
    lines.forEach((line, i) => {
      const start = TABLE_HEAD_BYTES + LINE_BYTES * i;
      words.setUint32(start + LINE_GROUP, line.appGroup.id);
      this.#keys.push(writeLine(tables.subarray(start, start + LINE_BYTES), line));
    });
    if (lines.length > LINES_MAX || this.#ports.length > TABLE_PORTS_MAX) {
      throw new RangeError(`native intake: ${lines.length} lines, ${this.#ports.length} ports`);
    }
    this.#tables = tables;
  }
}

/** Fills the line but for its group; returns its key. */
function writeLine(line: Uint8Array, { appGroup, association }: Line): AeadKey {
  if (association === undefined) return NO_KEY;
  const { keyId, iv, security, index, aead, lifetime } = association;
  line[LINE_KEY_ID_LENGTH] = keyId.length;
  line.set(keyId, LINE_KEY_ID);
  line[LINE_ASSOCIATION] = index >> 8;
  line[LINE_ASSOCIATION + 1] = index;
  const prefix = security.profile.intake?.prefix(association, appGroup);
  if (prefix === undefined || prefix.length > LINE_PREFIX_MAX) return aead;
  line[LINE_PREFIX_LENGTH] = prefix.length;
  line.set(prefix, LINE_PREFIX);
  line.set(iv, LINE_IV);
  // Between an old key and a new one, or while a key is used up, there is more to look at.
  line[LINE_OPEN] = security.associations.length === 1 && lifetime === undefined ? 1 : 0;
  return aead;
}

/** Stands where a group has no key: it is never used. */
const NO_KEY: AeadKey = Object.freeze({
  open: () => undefined,
  seal: () => {
    throw new Error("no key");
  },
});
