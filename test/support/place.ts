/** A room with an authority that decides as the product's does, and four devices. */
import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { type AsDecision, answerAs } from "../../modules/authority/as-face.js";
import { type Center, createGroup, type NewGroup } from "../../modules/authority/distribution.js";
import { answerKdc } from "../../modules/authority/kdc-face.js";
import { messagesOf } from "../../modules/authority/keytree.js";
import { renewForPresent } from "../../modules/authority/late.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { awaiting, confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import { applications, NONE, numberKey, policies, USUAL } from "../../modules/authority/records.js";
import { enrol } from "../../modules/authority/server.js";
import { toHex } from "../../modules/bytes/hex.js";
import { emitMessage, NON, type Option } from "../../modules/coap/message.js";
import { addPath, CBOR, CHANGED, POST } from "../../modules/coap/options.js";
import { centerOf, furnish, parties, TERMS } from "./authority.js";
import { APPLICATION, GROUP, NOW } from "./grants.js";
import { Guild } from "./guild.js";
import { Managed } from "./managed.js";
import { SeededRandom } from "./random.js";
import { GROUP_ADDRESS, PORT, type Rig, ROLE, type Spec } from "./rig.js";

export const LAMPS = [1, 2];
export const SWITCHES = [3, 4];
/** Of a guild. */
export const SIGNED_GROUP = 12;

export class Place extends Managed {
  readonly ledger = new MemoryLedger();
  readonly center: Center = centerOf();
  /** The signed group, where it is one. */
  readonly guild: Guild | undefined;
  readonly #as: AsDecision;

  /**
   * `profile`: that of the group, `lowlatency` unless named; `lamps`: their numbers; `press`: what
   * switches may do.
   */
  constructor(profile?: string, terms: Partial<NewGroup> = {}, lamps = LAMPS, press = SENDER) {
    super();
    const { signatures } = this.kdc.crypto;
    const id = SIGNED_GROUP;
    this.guild =
      profile && signatures ? new Guild({ profile, id, members: [], signatures }) : undefined;
    const appGroup = this.guild?.appGroup ?? APPLICATION;
    const { as } = parties();
    const random = new SeededRandom(5);
    this.#as = { issuer: as, random, audiences: [{ name: "kdc" }], now: () => this.now };
    this.ledger.run((rows) => {
      furnish(rows, this.center, profile === undefined ? { ...TERMS, ...terms } : TERMS);
      if (this.guild !== undefined) {
        const { address, spec } = this.guild;
        createGroup(rows, this.center, id, { ...TERMS, ...terms, profile: spec.profile });
        const place = { name: "signed", group: id, address, port: 5683 };
        applications.put(rows, numberKey(appGroup), place);
      }
      // Client ids count up: they are the devices' numbers.
      for (const number of [...lamps, ...SWITCHES].sort((one, other) => one - other)) {
        const roles = lamps.includes(number) ? RECEIVER : press;
        const scope: Scope = [{ appGroup, level: 2, roles }];
        const eui64 = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, number);
        enrol(rows, eui64, {
          ...{ name: `device ${number}`, scope, tokenSeconds: NONE },
          credential: this.idOf(number),
        });
      }
    });
    this.answer = (request) =>
      this.ledger.run((rows) => {
        const isServers = ["token", "time"].includes(request.path[0]);
        if (isServers) return answerAs(rows, this.#as, request).response;
        return answerKdc(rows, { center: this.center, now: () => this.now }, request).response;
      });
  }

  override device(number: number, role: number, more: Partial<Spec> = {}): Rig {
    const { guild } = this;
    if (guild === undefined) return super.device(number, role, more);
    const target = role === ROLE.SWITCH ? { target: guild.appGroup } : {};
    return super.device(number, role, {
      appGroups: [],
      guilds: [guild],
      epochs: [],
      ...target,
      ...more,
    });
  }

  /** Lamps and switches, and the time they take. */
  begin(seconds = 40): { readonly lamps: readonly Rig[]; readonly switches: readonly Rig[] } {
    const lamps = LAMPS.map((number) => this.device(number, ROLE.LUMINAIRE));
    const switches = SWITCHES.map((number) => this.device(number, ROLE.SWITCH));
    this.pass(seconds);
    return { lamps, switches };
  }

  /** Keys of the group go by a tree from here on. */
  growTree(): void {
    this.ledger.run((rows) => policies.put(rows, numberKey(GROUP), { ...USUAL, hasTree: true }));
  }

  /** What the newest renewal says to everybody, in datagrams; `change` leaves some out. */
  sayAll(change: (messages: Uint8Array[]) => Uint8Array[] = (all) => all): number {
    const messages = change(this.ledger.run((rows) => messagesOf(rows, GROUP)));
    for (const [at, payload] of messages.entries()) {
      const options: Option[] = [];
      addPath(options, "/keys/tree");
      const head = { type: NON, code: POST, mid: 7000 + at, token: new Uint8Array(0) } as const;
      const bytes = emitMessage({ ...head, options, payload });
      const to = { address: GROUP_ADDRESS, port: PORT };
      this.port.send({ to, fromPort: PORT, bytes });
    }
    this.pass(0.5);
    return messages.length;
  }

  get now(): number {
    return NOW + Math.floor(this.room.clock.micros() / 1_000_000);
  }

  /** Sends everybody who is connected what waits for him; who confirmed it. */
  pushAll(): number[] {
    const confirmed: number[] = [];
    for (const { clientId } of this.ledger.run(awaiting)) {
      const number = clientId[0];
      const id = toHex(this.idOf(number));
      const pairwise = this.channels.askers().find((one) => one.id === id)?.pairwise;
      if (pairwise === undefined) continue;
      const to = { clientId, pairwise, now: this.now };
      const sending = this.ledger.run((rows) => sendingFor(rows, this.center, to));
      if (sending === undefined) continue;
      const { payload } = sending;
      const push = { method: POST, path: ["keys", "push"], format: CBOR, payload };
      this.channels.askPeer(id, push, (answered) => {
        if (!answered.ok || answered.response.code !== CHANGED) return;
        const present = { clientId, groups: sending.late, now: this.now };
        this.ledger.run((rows) => {
          confirmAll(rows, clientId, sending);
          renewForPresent(rows, this.center, present);
        });
        confirmed.push(number);
      });
    }
    this.pass(10);
    return confirmed.sort();
  }
}

/** How many of the lamps obey a press that comes now. */
export function obeying(place: Place, lamps: readonly Rig[], press: Rig): number {
  const before = lamps.map((lamp) => lamp.count("accepted"));
  place.room.press(press);
  place.pass(0.2);
  return lamps.filter((lamp, at) => lamp.count("accepted") > before[at]).length;
}
