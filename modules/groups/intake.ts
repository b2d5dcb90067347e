/**
 * The quick way in: native help opens what it can (ports/intake.ts), from tables made here.
 *
 * The tables are this device's directory in bytes, made anew when it has changed. Only groups with
 * a single, endless key of a scheme that the native help knows are opened this way: what is special
 * is rare, and the reference's (locate.ts, open.ts). Nothing is allocated for a command.
 */
import type { Level } from "../access/level.js";
import type { Rights } from "../access/rights.js";
import { drop, type Outcome } from "../bytes/outcome.js";
import type { Inner } from "../coap/message.js";
import { POST } from "../coap/options.js";
import type { Recipients } from "../oscore/recipients.js";
import type { AeadKey } from "../ports/crypto.js";
import type { Datagram } from "../ports/datagram.js";
import {
  ANSWER_LEVEL_MASK,
  ANSWER_LEVEL_SHIFT,
  ANSWER_LIGHT,
  ANSWER_LINE_MASK,
  ANSWER_LINE_SHIFT,
  ANSWER_MARKED,
  ANSWER_MULTICAST,
  ANSWER_NEWEST,
  ANSWER_ROW_MASK,
  ANSWER_ROW_SHIFT,
  ANSWER_SIZE_MASK,
  ANSWER_TOP,
  type BoundIntake,
  DECLINED,
  INTAKE_DROPS,
  type Intake,
  type IntakeState,
  LIGHT_OPTIONS,
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
  RESULT_PLAIN,
  TABLE_HEAD_BYTES,
  TABLE_LINES,
  TABLE_OWN,
  TABLE_OWN_LENGTH,
  TABLE_PORT_COUNT,
  TABLE_PORTS,
  TABLE_PORTS_MAX,
} from "../ports/intake.js";
import type { SharedKey } from "../profiles/profile.js";
import type { Store } from "../store/store.js";
import type { AppGroup, Association } from "./directory.js";
import type { Groups, Quick, QuickHelp } from "./groups.js";

/** Before the payload of a light command: code, Uri-Path "l", marker. */
const LIGHT_HEAD_BYTES = 4;
/** Views are kept for plaintexts below this, as commands are: trying all lengths gets no more. */
const SIZES_KEPT = 24;

const REFUSALS: readonly Outcome<Inner>[] = Object.freeze(
  INTAKE_DROPS.map((reason) => drop<Inner>(reason)),
);

type MutableInner = { -readonly [field in keyof Inner]: Inner[field] };

export class QuickIntake implements Quick, QuickHelp {
  readonly native: Intake;
  readonly ports: readonly number[];
  readonly state: IntakeState;
  readonly sequence: Float64Array;
  #revision = -1;
  #associations: (Association | undefined)[] = [];
  #bound: BoundIntake | undefined = undefined;
  /** By size of the plaintext: the payload in it. */
  readonly #payloads: (Uint8Array | undefined)[] = [];
  readonly #inner: MutableInner;
  readonly #opened: Outcome<Inner>;

  /** `ports` are those the device listens on, at most 8; a light command is told in `inner`. */
  constructor(
    native: Intake,
    parts: {
      ports: readonly number[];
      recipients: Recipients;
      rights: Rights;
      store: Store;
      inner: MutableInner;
    },
  ) {
    const { recipients, rights, store } = parts;
    const { cursor, index } = store.journal;
    const result = new Uint8Array(RESULT_BYTES);
    this.native = native;
    this.ports = parts.ports;
    this.sequence = new Float64Array(result.buffer, 0, 1);
    const { columns, capacity } = rights;
    const { buffer } = result;
    this.state = [buffer, buffer, recipients.columns, columns, cursor, index, [], capacity];
    this.#inner = parts.inner;
    this.#opened = { ok: true, value: parts.inner };
  }

  open(groups: Groups, datagram: Datagram): Outcome<Inner> | undefined {
    if (groups.directory.revision !== this.#revision) this.#makeTables(groups);
    const bytes = datagram.bytes;
    const to = datagram.to;
    const answer = (this.#bound as BoundIntake).open(bytes, to.address, to.port);
    if (answer < 0) return answer === DECLINED ? undefined : REFUSALS[-2 - answer];
    const line = (answer >> ANSWER_LINE_SHIFT) & ANSWER_LINE_MASK;
    const row = (answer >> ANSWER_ROW_SHIFT) & ANSWER_ROW_MASK;
    const size = answer & ANSWER_SIZE_MASK;
    let opened: Outcome<Inner>;
    if ((answer & ANSWER_LIGHT) !== 0) {
      opened = this.light(size);
    } else {
      opened = this.#inside(this.#associations[line], size);
      if (!opened.ok) return opened;
    }
    const arriving = groups.arriving;
    const isTop = (answer & ANSWER_TOP) !== 0;
    if (!isTop) {
      const sequence = this.sequence[0];
      if ((answer & ANSWER_MARKED) === 0 && !groups.recipients.mark(row, sequence)) {
        return drop("storeFailed"); // check: quick-mark-durable
      }
      arriving.option.sequence = sequence;
    }
    arriving.isTop = isTop;
    arriving.isRead = false;
    arriving.outer.bytes = bytes;
    arriving.row = row;
    arriving.multicast = (answer & ANSWER_MULTICAST) !== 0;
    arriving.association = this.#associations[line] as Association;
    arriving.isNewest = (answer & ANSWER_NEWEST) !== 0;
    arriving.granted = ((answer >> ANSWER_LEVEL_SHIFT) & ANSWER_LEVEL_MASK) as Level;
    return opened;
  }

  get help(): QuickHelp {
    return this;
  }

  light(size: number): Outcome<Inner> {
    const inner = this.#inner;
    if (inner.options !== LIGHT_OPTIONS) {
      inner.code = POST;
      inner.options = LIGHT_OPTIONS;
    }
    inner.payload = this.#payloads[size] ?? this.#payload(size);
    return this.#opened;
  }

  #inside(association: Association | undefined, size: number): Outcome<Inner> {
    const scheme = association?.security.profile.intake;
    if (scheme === undefined) throw new Error("native intake: opened under a scheme it has not");
    return scheme.inside(new Uint8Array(this.state[1].slice(RESULT_PLAIN, RESULT_PLAIN + size)));
  }

  #payload(size: number): Uint8Array {
    const start = RESULT_PLAIN + LIGHT_HEAD_BYTES;
    const view = new Uint8Array(this.state[1], start, size - LIGHT_HEAD_BYTES);
    if (size < SIZES_KEPT) this.#payloads[size] = view;
    return view;
  }

  #makeTables({ directory, ownId }: Groups): void {
    const appGroups: AppGroup[] = [];
    const associations: (Association | undefined)[] = [];
    for (const appGroup of directory.appGroups()) {
      if (appGroup.security.profile.namesGroup !== true) continue; // check: quick-named
      const keys = appGroup.security.associations;
      // A group without a key is known all the same.
      for (const association of keys.length === 0 ? [undefined] : keys) {
        appGroups.push(appGroup);
        associations.push(association);
      }
    }
    const count = appGroups.length;
    const ports = this.ports;
    if (count > LINES_MAX || ports.length > TABLE_PORTS_MAX) {
      throw new RangeError(`native intake: ${count} lines, ${ports.length} ports`);
    }
    const tables = new Uint8Array(TABLE_HEAD_BYTES + LINE_BYTES * count);
    const words = new DataView(tables.buffer);
    tables[TABLE_LINES] = count;
    tables[TABLE_PORT_COUNT] = ports.length;
    for (let i = 0; i < ports.length; i++) words.setUint16(TABLE_PORTS + 2 * i, ports[i]);
    tables[TABLE_OWN_LENGTH] = ownId.length;
    words.setInt32(TABLE_OWN, ownId.high);
    words.setInt32(TABLE_OWN + 4, ownId.low);
    const keys: AeadKey[] = [];
    for (let i = 0; i < count; i++) {
      const start = TABLE_HEAD_BYTES + LINE_BYTES * i;
      words.setUint32(start + LINE_GROUP, appGroups[i].id);
      keys.push(
        writeLine(tables.subarray(start, start + LINE_BYTES), appGroups[i], associations[i]),
      );
    }
    this.#associations = associations;
    this.state[0] = tables.buffer;
    this.state[6] = keys;
    this.#bound = this.native.bind(this.state);
    // Last: whatever throws before leaves tables that are not asked.
    this.#revision = directory.revision;
  }
}

/** Fills the line but for its group; returns its key. */
function writeLine(
  line: Uint8Array,
  appGroup: AppGroup,
  association: Association | undefined,
): AeadKey {
  if (association === undefined) return NO_KEY;
  const { security, index, lifetime } = association;
  const { keyId, aead } = association as Association & SharedKey;
  line[LINE_KEY_ID_LENGTH] = keyId.length;
  line.set(keyId, LINE_KEY_ID);
  line[LINE_ASSOCIATION] = index >> 8;
  line[LINE_ASSOCIATION + 1] = index;
  const { intake } = security.profile;
  const prefix = intake?.prefix(association, appGroup);
  if (intake === undefined || prefix === undefined) return aead;
  if (prefix.length > LINE_PREFIX_MAX) return aead;
  line[LINE_PREFIX_LENGTH] = prefix.length;
  line.set(prefix, LINE_PREFIX);
  line.set(intake.iv(association), LINE_IV);
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
