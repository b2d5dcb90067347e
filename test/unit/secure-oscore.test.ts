import { toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { CHANGED, CONTENT, POST } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { derivePair } from "../../modules/oscore/pair-context.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { askerOf } from "../../modules/secure/dtls.js";
import { OscoreChannels, oscoreId } from "../../modules/secure/oscore.js";
import type { SecureRequest, SecureResponse } from "../../modules/secure/request.js";
import { equal, test, throws } from "../harness.js";
import { addressOf } from "../support/dtls.js";
import type { NorFlash } from "../support/flash.js";
import { formatted, opened } from "../support/partition.js";
import { SeededRandom } from "../support/random.js";
import { type Flying, Promised, type Taker, Told, Wire } from "../support/secure.js";

const ASK = { method: POST, path: ["par"], payload: utf8("x") };
const SERVER = Uint8Array.of(1);
const CLIENT = Uint8Array.of(2);

function idOf(peerId: Uint8Array): string {
  return oscoreId(new TsCrypto(), peerId);
}

/** One end of one context; what it keeps outlives it. */
class End implements Taker {
  readonly address: Endpoint;
  readonly channels: OscoreChannels;
  readonly requests: SecureRequest[] = [];
  readonly drops: string[] = [];
  readonly flash: NorFlash;
  answer: (request: SecureRequest) => SecureResponse | Promise<SecureResponse> = () => ({
    code: CHANGED,
  });

  constructor(wire: Wire, number: number, ids: [Uint8Array, Uint8Array], flash?: NorFlash) {
    this.address = addressOf(number);
    this.flash = flash ?? formatted(4);
    const store = opened(this.flash);
    if (flash === undefined) OscoreChannels.install(store, 0);
    const [ownId, peerId] = ids;
    const common = { salt: new Uint8Array(8), ownId, peerId };
    const secrets = { ...common, secret: new Uint8Array(16).fill(7) };
    const names = { idContext: null, keyId: new Uint8Array(0) };
    const context = derivePair(new TsCrypto(), secrets, names);
    this.channels = new OscoreChannels({
      clock: wire.clock,
      random: new SeededRandom(number),
      crypto: new TsCrypto(),
      send: (to, bytes) => {
        wire.send({ from: this.address, to, bytes });
        return true;
      },
      handler: (request) => {
        this.requests.push(request);
        return this.answer(request);
      },
      store,
      recipients: new Recipients({ store, capacity: 4 }),
    });
    const at = number === 1 ? undefined : addressOf(1);
    this.channels.add({ context, index: 0, ...(at && { at }) });
    throws(() => this.channels.add({ context, index: 1 }), /two contexts/);
    wire.takers.push(this);
  }

  take(flying: Flying): void {
    const outcome = this.channels.receive(flying);
    if (!outcome.ok) this.drops.push(outcome.drop);
  }
}

function pair() {
  const wire = new Wire();
  const server = new End(wire, 1, [SERVER, CLIENT]);
  const client = new End(wire, 2, [CLIENT, SERVER]);
  return { wire, server, client, told: new Told() };
}

test("asked under a context of two: nothing of it is to be seen outside", () => {
  const { wire, server, client, told } = pair();
  server.answer = ({ payload }) => ({ code: CONTENT, format: 42, payload });
  equal(client.channels.ask(idOf(SERVER), ASK, told.done), true);
  wire.pass();
  const [{ from, path, payload }] = server.requests;
  equal([from, path, payload], [{ by: "oscore", id: idOf(CLIENT) }, ["par"], utf8("x")]);
  equal(told.answers, [{ ok: true, response: { code: CONTENT, format: 42, payload } }]);
  // POST and 2.04 outside, whatever is inside.
  equal(
    wire.sent.map(({ bytes }) => bytes[1]),
    [2, 68],
  );
  equal([server.drops, client.drops, wire.clock.pending], [[], [], 0]);
});

test("who was asked asks back, once he knows where the other is", () => {
  const { wire, server, client, told } = pair();
  equal(server.channels.ask(idOf(CLIENT), ASK, told.done), false);
  client.channels.ask(idOf(SERVER), ASK, told.done);
  wire.pass();
  equal(server.channels.ask(idOf(CLIENT), ASK, told.done), true);
  wire.pass();
  equal([told.words, client.requests.length], [[CHANGED, CHANGED], 1]);
});

test("lost and reordered datagrams, late answers, blocks", () => {
  let answered = 0;
  for (let seed = 1; seed <= 15; seed++) {
    const { wire, server, client, told } = pair();
    const random = new SeededRandom(seed);
    wire.fate = () => (random.chance(0.25) ? [] : [random.below(2_000_000)]);
    server.answer = () => {
      const late = new Promised<SecureResponse>();
      wire.clock.after(2_500_000, () => late.give({ code: CONTENT, payload: new Uint8Array(900) }));
      return late.promise;
    };
    for (let count = 0; count < 2; count++) client.channels.ask(idOf(SERVER), ASK, told.done);
    wire.pass(1000);
    equal(told.answers.length, 2, `seed ${seed}`);
    equal(server.requests.length <= 2, true, `seed ${seed}`);
    for (const one of told.answers) {
      if (!one.ok) continue;
      answered++;
      equal(one.response.payload?.length, 900);
    }
  }
  equal(answered > 20, true, `${answered} of 30`);
});

test("recorded, another's, changed: nothing of it reaches the handler", () => {
  const { wire, server, client, told } = pair();
  client.channels.ask(idOf(SERVER), ASK, told.done);
  wire.pass();
  const [request] = wire.sent;
  // Another message id: the messaging layer does not know it.
  const again = request.bytes.slice();
  again[3] ^= 1;
  wire.deliver({ ...request, bytes: again });
  const changed = again.slice();
  changed[3] ^= 2;
  changed[changed.length - 1] ^= 1;
  wire.deliver({ ...request, bytes: changed });
  wire.deliver({ ...request, bytes: Uint8Array.of(0x40, 2, 9, 9) });
  equal([server.requests.length, server.drops], [1, ["replayed", "replayed", "malformed"]]);
  const stranger = new End(new Wire(), 3, [Uint8Array.of(3), SERVER]);
  equal(stranger.channels.receive(request), { ok: false, drop: "unknownKey" });
  // The right answer to nobody's question.
  const [, answer] = wire.sent;
  wire.deliver(answer);
  equal(client.drops, ["unsolicited"]);
});

test("a forged number changes nothing: the genuine one is taken afterwards", () => {
  const { wire, server, client, told } = pair();
  wire.fate = (_, index) => (index === 0 ? [] : [0]);
  client.channels.ask(idOf(SERVER), ASK, told.done);
  wire.clock.advance(1_500_000);
  const forged = wire.sent[0].bytes.slice();
  forged[forged.length - 1] ^= 1;
  wire.deliver({ ...wire.sent[0], bytes: forged });
  wire.pass(10);
  equal([server.drops, server.requests.length, told.words], [["forged"], 1, [CHANGED]]);
});

test("what is 32 numbers behind is too old to tell (RFC 8613 §3.2.2)", () => {
  const { wire, server, client, told } = pair();
  wire.fate = ({ bytes }) => (toHex(bytes) === toHex(wire.sent[0].bytes) ? [] : [0]);
  client.channels.ask(idOf(SERVER), ASK, told.done);
  wire.pass(100);
  for (let count = 0; count < 40; count++) {
    client.channels.ask(idOf(SERVER), ASK, told.done);
    wire.pass();
  }
  wire.deliver(wire.sent[0]);
  equal([server.requests.length, server.drops], [40, ["replayed"]]);
});

test("one context a peer: another with its id is refused, in any ID Context", () => {
  const { wire, server, client, told } = pair();
  const common = { salt: new Uint8Array(8), ownId: SERVER, peerId: CLIENT };
  const idContext = Uint8Array.of(5);
  const secrets = { ...common, secret: new Uint8Array(16).fill(8) };
  const context = derivePair(new TsCrypto(), secrets, { idContext, keyId: idContext });
  throws(() => server.channels.add({ context, index: 1 }), /two contexts with 02/);
  client.channels.ask(idOf(SERVER), ASK, told.done);
  wire.pass();
  equal(told.words, [CHANGED]);
});

test("an OSCORE peer is nobody of DTLS, whatever bytes their names have", () => {
  const crypto = new TsCrypto();
  const named = askerOf(crypto, { by: "psk", identity: CLIENT });
  equal([named.id, idOf(CLIENT) === named.id], [toHex(CLIENT), false]);
  const key = askerOf(crypto, { by: "rawPublicKey", publicKey: CLIENT });
  equal(idOf(CLIENT) === key.id, false);
});

test("restarted, both: numbers go on, and what was recorded stays refused", () => {
  const { wire, server, client, told } = pair();
  client.channels.ask(idOf(SERVER), ASK, told.done);
  wire.pass();
  server.channels.idle();
  wire.takers.length = 0;
  const late = new End(wire, 1, [SERVER, CLIENT], server.flash);
  const asker = new End(wire, 2, [CLIENT, SERVER], client.flash);
  wire.deliver(wire.sent[0]);
  equal([late.requests.length, late.drops], [0, ["replayed"]]);
  asker.channels.ask(idOf(SERVER), ASK, told.done);
  wire.pass();
  equal([told.words, late.requests.length], [[CHANGED, CHANGED], 1]);
});

test("without the record of its number it says nothing", () => {
  const { wire, told } = pair();
  const lost = new End(wire, 4, [CLIENT, SERVER], formatted(4));
  lost.channels.ask(idOf(SERVER), ASK, told.done);
  wire.pass();
  equal([told.words, wire.sent], [["busy"], []]);
});

test("where flash refuses the window, nothing is done", () => {
  const { wire, server, client, told } = pair();
  server.flash.refuses = () => true;
  client.channels.ask(idOf(SERVER), ASK, told.done);
  wire.pass();
  equal([server.requests, server.drops], [[], ["storeFailed"]]);
});
