/**
 * Tells devices what was decided about their groups (modules/authority/grouping.ts): to who is let
 * in or taken out, its groups, and to start by them; to all who can be tapped, that a tap means
 * something, and for how long.
 *
 * What is to be told of groups stands in the ledger until it was; who was told that a group is open
 * only here: after a restart all are told again, and a device that hears nothing more takes its
 * presses for light again by itself.
 */

import { emitAnnouncement } from "../../modules/access/grouping.js";
import { CBOR_FORMAT, DELETE, NOT_FOUND, POST, PUT } from "../../modules/authority/answers.js";
import {
  type Announced,
  announcedAt,
  noteRefused,
  noteTold,
  type OwnPart,
  type Telling,
  tellingsIn,
} from "../../modules/authority/grouping.js";
import { toHex } from "../../modules/bytes/hex.js";
import { codeClass, codeText } from "../../modules/coap/options.js";
import type { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import { membershipIn } from "../sender/member.js";
import type { Authority } from "./authority.js";
import type { DeviceSide } from "./device-side.js";
import { nameOfClient } from "./devices.js";
import type { Places } from "./places.js";

const TICK_MS = 500;
/** Asked at once: over channels that are open, and over those that have to be opened first. */
const OPEN_MAX = 16;
const OPENING_MAX = 4;
/** Told again so long before what it was told ends. */
const AHEAD_SECONDS = 90;
/** Between tries with who did not answer. */
const AGAIN_MS = 5000;
const AGAIN_MAX_MS = 300_000;
/** Whoever is there has answered by then; who came back has another connection. */
const ANSWER_MS = 15_000;
const BACK_MS = 3000;
/** Its answer comes a second before it starts anew. */
const RESTART_MS = 1500;

export interface GrouperParts {
  readonly side: Pick<DeviceSide, "ask">;
  readonly places: Places;
  readonly channels: Pick<DtlsChannels, "close">;
}

interface Whom {
  readonly clientId: Uint8Array;
  readonly credential: string;
}

/** What a device was told last. */
interface Said {
  readonly whom: Whom;
  readonly number: number;
  readonly isIn: boolean;
  /** When it ends for it, ms. */
  readonly until: number;
}

export class Grouper {
  readonly #authority: Authority;
  readonly #parts: GrouperParts;
  /** By client id in hex. */
  readonly #said = new Map<string, Said>();
  readonly #busy = new Map<string, "open" | "opening">();
  /** When somebody is tried again, and how long it was until then. */
  readonly #again = new Map<string, { readonly at: number; readonly ms: number }>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isStopped = false;

  constructor(authority: Authority, parts: GrouperParts) {
    this.#authority = authority;
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#isStopped = true;
  }

  /** Something was decided. */
  look(): void {
    if (this.#isLooking || this.#isStopped) return;
    this.#isLooking = true;
    // What the database refuses now is told by the next command.
    void this.#look()
      .catch(() => {})
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #look(): Promise<void> {
    const { tellings, open } = await this.#authority.read((rows) => ({
      tellings: tellingsIn(rows, ownPart),
      open: announcedAt(rows, this.#authority.now()),
    }));
    for (const telling of tellings) this.#begin(telling, () => this.#tell(telling));
    const waiting = new Set(tellings.map(({ clientId }) => toHex(clientId)));
    if (open !== undefined) this.#announce(open, waiting);
    else this.#end();
  }

  #announce({ number, seconds, devices }: Announced, waiting: ReadonlySet<string>): void {
    const isThere = ({ credential }: Whom) => this.#isConnected(credential);
    for (const one of [...devices].sort((a, b) => Number(isThere(b)) - Number(isThere(a)))) {
      const { clientId, isIn } = one;
      const client = toHex(clientId);
      // It is about to start anew.
      if (waiting.has(client)) continue;
      const said = this.#said.get(client);
      const isSame = said?.number === number && said.isIn === isIn;
      const left = ((said?.until ?? 0) - Date.now()) / 1000;
      if (isSame && (left > AHEAD_SECONDS || left > seconds - 1)) continue;
      this.#begin(one, async () => {
        const until = Date.now() + seconds * 1000;
        const isTold = await this.#say(one, { number, isIn, seconds });
        if (isTold) this.#said.set(client, { whom: one, number, isIn, until });
        return isTold;
      });
    }
  }

  /** Who is not reached ends it by the time. */
  #end(): void {
    const all = [...this.#said.values()];
    this.#said.clear();
    for (const { whom, number } of all) {
      if (!this.#isConnected(whom.credential)) continue;
      void this.#say(whom, { number, isIn: undefined, seconds: 0 });
    }
  }

  async #say(whom: Whom, said: Parameters<typeof emitAnnouncement>[0]): Promise<boolean> {
    const payload = emitAnnouncement(said);
    const ask = { method: PUT, path: ["grouping"], format: CBOR_FORMAT, payload };
    return (await this.#ask(whom, ask)).ok;
  }

  /**
   * Who lost power is still connected as far as we know, and CoAP has patience for a minute and a
   * half: what is asked of him is asked anew as soon as he is back. All of it may be asked twice.
   */
  #ask({ clientId, credential }: Whom, ask: Ask): Promise<Answered> {
    const { side, places, channels } = this.#parts;
    const before = places.askerOf(credential);
    return new Promise((resolve, reject) => {
      const begun = Date.now();
      let backAt = 0;
      const timer = setInterval(() => {
        const now = Date.now();
        if (backAt === 0 && places.askerOf(credential) !== before) backAt = now;
        const isLate = before !== undefined && now - begun > ANSWER_MS;
        if (isLate && backAt === 0) channels.close(credential);
        const isOther = backAt > 0 && now - backAt > BACK_MS;
        if (!isLate && !isOther) return;
        clearInterval(timer);
        resolve({ ok: false, why: "closed" });
      }, TICK_MS);
      side
        .ask(clientId, ask)
        .then(resolve, reject)
        .finally(() => clearInterval(timer));
    });
  }

  /** Its group, and to start by it; true: it has heard both, or takes none. */
  async #tell(telling: Telling): Promise<boolean> {
    const { clientId, credential, appGroup, payload } = telling;
    const { channels } = this.#parts;
    const path = ["grp", `${appGroup}`];
    const group =
      payload === undefined
        ? { method: DELETE, path }
        : { method: PUT, path, format: CBOR_FORMAT, payload };
    const told = await this.#ask(telling, group);
    if (!told.ok) return false;
    const { code } = told.response;
    const isDone = codeClass(code) === 2 || (payload === undefined && code === NOT_FOUND);
    if (!isDone) {
      await this.#refused(telling, code);
      return true;
    }
    const again = await this.#ask(telling, { method: POST, path: ["3", "0", "4"] });
    if (!again.ok) return false;
    await this.#authority.ledger.transaction((rows) => noteTold(rows, telling));
    // What it was told is forgotten, and so is this connection; the next one may be its own.
    this.#said.delete(toHex(clientId));
    channels.close(credential);
    await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
    return true;
  }

  async #refused(telling: Telling, code: number): Promise<void> {
    const { ledger, center } = this.#authority;
    const { clientId, appGroup } = telling;
    const name = await this.#authority.read((rows) => nameOfClient(rows, clientId));
    const what = `${name} refuses group ${appGroup} with ${codeText(code)}`;
    const now = () => this.#authority.now();
    await ledger.transaction((rows) => noteRefused(rows, { center, now }, telling), {
      by: "authority",
      what,
    });
  }

  /** One question to a device at a time; later again where it has not come through. */
  #begin({ clientId, credential }: Whom, work: () => Promise<boolean>): void {
    const client = toHex(clientId);
    const kind = this.#isConnected(credential) ? "open" : "opening";
    const others = [...this.#busy.values()].filter((one) => one === kind).length;
    const isFull = others >= (kind === "open" ? OPEN_MAX : OPENING_MAX);
    const again = this.#again.get(client);
    const isSoon = again !== undefined && again.at > Date.now() && kind === "opening";
    if (this.#busy.has(client) || isFull || isSoon) return;
    this.#busy.set(client, kind);
    void work()
      .catch(() => false)
      .then((isDone) => {
        this.#busy.delete(client);
        if (isDone) this.#again.delete(client);
        else {
          const ms = Math.min(AGAIN_MAX_MS, 2 * (again?.ms ?? AGAIN_MS / 2));
          this.#again.set(client, { at: Date.now() + ms, ms });
        }
        this.look();
      });
  }

  #isConnected(credential: string): boolean {
    return this.#parts.places.askerOf(credential) !== undefined;
  }
}

/** As a joined device, which has a pre-shared key with this authority. */
const ownPart: OwnPart = (rows, { name, eui64, clientId, credential }, profile) => {
  const psk = rows.get("factory", toHex(credential)) ?? new Uint8Array(0);
  const who = { name, eui64, clientId: toHex(clientId), psk: toHex(psk) };
  return membershipIn(who, { profile });
};
