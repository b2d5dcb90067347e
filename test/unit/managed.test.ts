/** Devices and the authority's own decisions, over DTLS: a room from its first start to a loss. */
import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { type AsDecision, answerAs } from "../../modules/authority/as-face.js";
import { type Center, expel, renew } from "../../modules/authority/distribution.js";
import { answerKdc } from "../../modules/authority/kdc-face.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { awaiting, confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import { NONE } from "../../modules/authority/records.js";
import { enrol } from "../../modules/authority/server.js";
import { toHex } from "../../modules/bytes/hex.js";
import { CBOR, CHANGED, POST } from "../../modules/coap/options.js";
import { equal, test } from "../harness.js";
import { centerOf, furnish, parties, TERMS } from "../support/authority.js";
import { APPLICATION, GROUP, NOW } from "../support/grants.js";
import { credentialOf, Managed } from "../support/managed.js";
import { SeededRandom } from "../support/random.js";
import { type Rig, ROLE } from "../support/rig.js";

const LAMPS = [1, 2];
const SWITCHES = [3, 4];

class Authority extends Managed {
  readonly ledger = new MemoryLedger();
  readonly center: Center = centerOf();
  readonly #as: AsDecision;

  constructor() {
    super();
    const { as } = parties();
    const random = new SeededRandom(5);
    this.#as = { issuer: as, random, audiences: [{ name: "kdc" }], now: () => NOW };
    this.ledger.run((rows) => {
      furnish(rows, this.center, TERMS);
      // Client ids count up: they are the devices' numbers.
      for (const number of [...LAMPS, ...SWITCHES]) {
        const roles = LAMPS.includes(number) ? RECEIVER : SENDER;
        const scope: Scope = [{ appGroup: APPLICATION, level: 2, roles }];
        const eui64 = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, number);
        const { identity } = credentialOf(number);
        enrol(rows, eui64, {
          ...{ name: `device ${number}`, scope, tokenSeconds: NONE },
          credential: identity,
        });
      }
    });
    this.answer = (request) =>
      this.ledger.run((rows) => {
        const isToken = request.path[0] === "token";
        if (isToken) return answerAs(rows, this.#as, request).response;
        return answerKdc(rows, { center: this.center, now: () => this.now }, request).response;
      });
  }

  get now(): number {
    return NOW + Math.floor(this.room.clock.micros() / 1_000_000);
  }

  /** Sends everybody who is connected what waits for him; who confirmed it. */
  pushAll(): number[] {
    const confirmed: number[] = [];
    for (const { clientId } of this.ledger.run(awaiting)) {
      const number = clientId[0];
      const id = toHex(credentialOf(number).identity);
      const pairwise = this.channels.askers().find((one) => one.id === id)?.pairwise;
      if (pairwise === undefined) continue;
      const to = { clientId, pairwise, now: this.now };
      const sending = this.ledger.run((rows) => sendingFor(rows, this.center, to));
      if (sending === undefined) continue;
      const { payload } = sending;
      const push = { method: POST, path: ["keys", "push"], format: CBOR, payload };
      this.channels.askPeer(id, push, (answered) => {
        if (!answered.ok || answered.response.code !== CHANGED) return;
        this.ledger.run((rows) => confirmAll(rows, clientId, sending));
        confirmed.push(number);
      });
    }
    this.pass(10);
    return confirmed.sort();
  }
}

/** How many of the lamps obey a press that comes now. */
function obeying(place: Authority, lamps: readonly Rig[], press: Rig): number {
  const before = lamps.map((lamp) => lamp.count("accepted"));
  place.room.press(press);
  place.pass(0.2);
  return lamps.filter((lamp, at) => lamp.count("accepted") > before[at]).length;
}

function begun() {
  const place = new Authority();
  const lamps = LAMPS.map((number) => place.device(number, ROLE.LUMINAIRE));
  const switches = SWITCHES.map((number) => place.device(number, ROLE.SWITCH));
  place.pass(40);
  return { place, lamps, switches };
}

function keyIds({ device }: Rig): number[] {
  const security = device.groups.directory.security(GROUP);
  return (security?.associations ?? []).map(({ keyId }) => keyId[0]);
}

test("first start: tokens, keys, rights by AT-Rs that the switches show, and light", () => {
  const { place, lamps, switches } = begun();
  equal([...lamps, ...switches].map(keyIds), Array(4).fill([1]));
  equal(
    switches.map((press) => obeying(place, lamps, press)),
    [2, 2],
  );
  equal(
    lamps.flatMap(({ log }) => log.filter((line) => /refused/.test(line))),
    [],
  );
});

test("a renewal in peace: pushed, confirmed, and nobody without light in between", () => {
  const { place, lamps, switches } = begun();
  place.ledger.run((rows) => renew(rows, place.center, GROUP, { isBroken: false, now: place.now }));
  equal(obeying(place, lamps, switches[0]), 2, "before anybody has it");
  equal(place.pushAll(), [1, 2, 3, 4]);
  equal([...lamps, ...switches].map(keyIds), Array(4).fill([1, 2]));
  equal(obeying(place, lamps, switches[0]), 2);
  equal(place.ledger.run(awaiting), []);
});

test("a lost switch: its keys and its word are worth nothing, the others go on", () => {
  const { place, lamps, switches } = begun();
  const [kept, lost] = switches;
  place.ledger.run((rows) => expel(rows, place.center, Uint8Array.of(4), place.now));
  equal(place.pushAll(), [1, 2, 3]);
  equal([...lamps, kept].map(keyIds), Array(3).fill([2]), "never a grace after a loss");
  place.pass(40);
  equal([obeying(place, lamps, lost), obeying(place, lamps, kept)], [0, 2]);
  // It comes back with what it has: its AT-KDC is refused, its AT-R too.
  lost.restart();
  place.pass(400);
  equal([keyIds(lost), obeying(place, lamps, lost)], [[1], 0]);
  equal(
    lamps.every((lamp) => lamp.device.rights.count === 1),
    true,
  );
});

test("a switch whose flash was written anew begins under a key that it never had", () => {
  const { place, lamps, switches } = begun();
  equal(obeying(place, lamps, switches[0]), 2);
  switches[0].port.onDatagram = undefined;
  const again = place.device(SWITCHES[0], ROLE.SWITCH, { seed: 77 });
  place.pass(120);
  equal(keyIds(again), [2]);
  again.restart();
  place.pass(120);
  equal(keyIds(again), [2], "the same flash");
});
