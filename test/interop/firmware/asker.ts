/**
 * A client made of the firmware's own parts: a Device that asks instead of being asked. What it is
 * to ask stands in the program itself (`clientImage` in programs.ts writes a little entry); every
 * answer is one line of the log.
 *
 * Requests go the way of `device/send.ts`, answers come the way of `device/receive-member.ts`.
 */
import { fromHex, toHex } from "../../../modules/bytes/hex.js";
import type { Inner, Option } from "../../../modules/coap/message.js";
import * as o from "../../../modules/coap/options.js";
import { Transfer } from "../../../modules/coap/transfer.js";
import { Watch } from "../../../modules/coap/watch.js";
import { Device } from "../../../modules/device/device.js";
import type { Answer, Asked } from "../../../modules/device/parts.js";
import { services } from "../../../modules/device/services.js";
import type { AppGroup } from "../../../modules/groups/directory.js";
import { seal } from "../../../modules/groups/seal.js";
import type { Board } from "../../../modules/ports/board.js";
import type { Endpoint } from "../../../modules/ports/datagram.js";

/** What peers/* are asked to do, too. */
export interface Action {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  /** Hex. */
  readonly payload?: string;
  readonly format?: number;
  /** Blocks of 2^(szx + 4) bytes. */
  readonly szx?: number;
  /** So many notifications, the first answer included. */
  readonly observe?: number;
  /** To the group: all answers within so many milliseconds. */
  readonly groupMillis?: number;
  /** In pairwise mode, to the member of that id (hex). */
  readonly member?: string;
  /** Where the member is, 32 hex digits; else the group's address. */
  readonly address?: string;
}

const CODES = { GET: o.GET, POST: o.POST, PUT: o.PUT };
const WAIT_MICROS = 12_000_000;
const BODY_BYTES_MAX = 8192;
const PAUSE_MICROS = 300_000;

/** `sequence`: the answer's own number, undefined when it had none. */
type Told = (answer: Answer | undefined, sequence?: number) => void;

/** Asks one after the other, says what came of each, and `done`. */
export class Asker {
  readonly #board: Board;
  readonly #device: Device;
  readonly #actions: Action[];
  #action: Action;

  constructor(board: Board, actions: readonly Action[]) {
    this.#board = board;
    this.#device = Device.start(board, services);
    this.#actions = actions.slice();
    this.#action = actions[0];
    board.clock.after(PAUSE_MICROS, () => this.#next());
  }

  #next(): void {
    const action = this.#actions.shift();
    if (action === undefined) {
      this.#board.log("done");
      return;
    }
    this.#action = action;
    if (action.groupMillis !== undefined) this.#askGroup(action.groupMillis);
    else if (action.observe !== undefined) this.#observe(action.observe);
    else this.#transfer(new Transfer(this.#inner(), this.#limits()));
  }

  #limits() {
    return { bodyBytesMax: BODY_BYTES_MAX, szx: this.#action.szx ?? 6 };
  }

  #inner(): Inner {
    const { method, path, payload, format, szx } = this.#action;
    const options: Option[] = [];
    o.addPath(options, path);
    if (format !== undefined) o.addUint(options, o.CONTENT_FORMAT, format);
    if (szx !== undefined && payload === undefined) o.addUint(options, o.BLOCK2, szx);
    return {
      code: CODES[method],
      options,
      payload: payload === undefined ? undefined : fromHex(payload),
    };
  }

  /** One request and its answer, in as many messages as it takes. */
  #transfer(transfer: Transfer): void {
    this.#ask(transfer.next(), (answer) => {
      const outcome = answer && transfer.answered(answer.inner);
      if (answer === undefined) this.#board.log("nothing");
      else if (outcome === undefined) return this.#transfer(transfer);
      else if (outcome.ok) this.#tell(outcome.value, answer);
      else this.#say(outcome.drop);
      this.#next();
    });
  }

  /** Asks again with what a server wants echoed (RFC 9175 §2.3), once. */
  #ask(inner: Inner, told: Told, mayEcho = true): void {
    this.#exchange(inner, WAIT_MICROS, false, (answer) => {
      const echo = answer && o.find(answer.inner.options, o.ECHO);
      if (!mayEcho || echo === undefined || answer?.inner.code !== o.UNAUTHORIZED) {
        told(answer);
        return;
      }
      this.#board.log("echoed");
      const options = inner.options.slice();
      o.addOption(options, o.ECHO, echo);
      this.#ask({ ...inner, options }, told, false);
    });
  }

  #observe(count: number): void {
    const { clock, random } = this.#board;
    const watch = new Watch({ clock, random, ask: () => this.#board.log("asks again") });
    const inner = this.#inner();
    o.addUint(inner.options as Option[], o.OBSERVE, 0);
    let heard = 0;
    this.#exchange(inner, WAIT_MICROS, true, (answer, sequence) => {
      if (answer === undefined || heard === count) return;
      const news = watch.heard(answer.inner, sequence);
      this.#tell(answer.inner, answer, news);
      if (++heard < count) return;
      watch.stop();
      // Deregistered by a GET with Observe 1 would need the same token: time ends it, or a Reset.
      this.#next();
    });
  }

  /** The number of the answer that is being read; none in the first one. */
  #sequence(): number | undefined {
    const { option } = this.#device.groups.arriving;
    return option.pivLength > 0 ? option.sequence : undefined;
  }

  #askGroup(millis: number): void {
    this.#exchange(this.#inner(), millis * 1000, true, (answer) => {
      if (answer === undefined) this.#next();
      else this.#tell(answer.inner, answer);
    });
  }

  /** `told` gets every answer, and at the end undefined when `many`, or nothing came. */
  #exchange(inner: Inner, waitMicros: number, many: boolean, told: Told): void {
    const { endpoint, exchanges, groups } = this.#device;
    const appGroup = this.#appGroup();
    const isObserving = o.find(inner.options, o.OBSERVE) !== undefined;
    const asked: Asked = {
      appGroup,
      request: undefined,
      ...(isObserving ? { observes: true } : {}),
    };
    let mid: number | undefined;
    const to = this.#to(appGroup);
    let over = false;
    const exchange = exchanges.open({
      binding: asked,
      many,
      repeated: many,
      waitMicros,
      onAnswer: (answer) => {
        if (mid !== undefined) endpoint.settle(to, mid);
        over = true;
        const sequence = this.#sequence();
        // A device's stack is short: what follows begins anew.
        this.#board.clock.after(0, () => told(answer, sequence));
      },
      onDone: () => {
        if (many || !over) told(undefined);
      },
    });
    if (exchange === undefined) throw new Error("no exchange");
    const { member, groupMillis } = this.#action;
    mid = endpoint.send({
      to,
      confirmable: groupMillis === undefined,
      make: (header) => {
        const sealed = seal(groups, {
          header: { ...header, token: exchange.token },
          inner,
          clear: [],
          appGroup,
          association: undefined,
          to,
          request: undefined,
          ...this.#peer(appGroup, member),
        });
        if (!sealed.ok) throw new Error(`cannot seal: ${sealed.drop}`);
        asked.request = sealed.value.binding;
        if (groups.schemes !== undefined) asked.awaited = groups.schemes.awaiting(sealed.value);
        return sealed.value.bytes;
      },
    });
  }

  #appGroup(): AppGroup {
    for (const appGroup of this.#device.groups.directory.appGroups()) return appGroup;
    throw new Error("no group");
  }

  #to({ address, port }: AppGroup): Endpoint {
    const { address: other } = this.#action;
    return { address: other === undefined ? address : fromHex(other), port };
  }

  /** Of `oscore` there is one peer; in a group whoever is named. */
  #peer({ security }: AppGroup, member: string | undefined): { peer?: Uint8Array } {
    if (member !== undefined) return { peer: fromHex(member) };
    const { peerId } = security.associations[0];
    return peerId === undefined ? {} : { peer: peerId };
  }

  #tell({ code, options, payload }: Inner, { member }: Answer, news = ""): void {
    const observe = o.findUint(options, o.OBSERVE);
    this.#say(
      JSON.stringify({
        code: o.codeText(code),
        payload: toHex(payload ?? new Uint8Array(0)),
        member: toHex(member),
        ...(observe === undefined ? {} : { observe }),
        ...(news === "" ? {} : { news }),
      }),
    );
  }

  #say(line: string): void {
    this.#board.log(`answer ${line}`);
  }
}
