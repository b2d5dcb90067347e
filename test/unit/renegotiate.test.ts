/** RFC 8613 Appendix B.2: two ends that speak through `oscore`, and what goes wrong between. */
import { concat } from "../../modules/bytes/concat.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { PairContext, PairSecrets } from "../../modules/oscore/pair-context.js";
import {
  answer,
  ask,
  asked,
  challenged,
  type Established,
  RenegotiationServer,
} from "../../modules/oscore/renegotiate.js";
import { oscore } from "../../modules/profiles/oscore.js";
import { equal, test } from "../harness.js";
import { protect, unprotect } from "../support/protect.js";

const h = fromHex;
const crypto = new TsCrypto();
const CLIENT = h("0a");
const SERVER = h("0b");
const EMPTY = h("");

function secretsOf(ownId: Uint8Array, peerId: Uint8Array): PairSecrets {
  return {
    secret: h("0102030405060708090a0b0c0d0e0f10"),
    salt: h("9e7ca92223786340"),
    ownId,
    peerId,
  };
}
const client = secretsOf(CLIENT, SERVER);
const server = secretsOf(SERVER, CLIENT);

/** 01, 02, 03 … : every call gives other bytes. */
function counting() {
  let next = 0;
  return { fill: (bytes: Uint8Array) => void bytes.fill(++next) };
}

const GET = "42010001a1a2b16c";
const CHALLENGE = "62810001a1a2";
const CONTENT = "62450001a1a2ff6f6e";
const PIV = h("00");

function request(context: PairContext): string {
  return protect(oscore, context, GET, { sender: CLIENT, piv: PIV });
}

function kidContextOf(datagram: string): Uint8Array {
  const outer = new Outer();
  outer.scan(h(datagram));
  const { bytes, oscoreStart, oscoreLength } = outer;
  const option = new OscoreOption();
  option.parse(bytes, oscoreStart, oscoreLength);
  return bytes.slice(option.contextStart, option.contextStart + option.contextLength);
}

function boundTo(context: PairContext) {
  return { kid: CLIENT, piv: PIV, keyId: context.keyId, peer: SERVER };
}

interface Run {
  readonly clientEnd: Established;
  readonly serverEnd: Established;
  /** Request #2. */
  readonly second: string;
}

/** Steps 2 to 4, from request #1 on. */
function run(state: RenegotiationServer, first: ReturnType<typeof ask>, sent: PairContext): Run {
  const end = { crypto, random: counting(), secrets: client };
  const one = request(sent);
  const offer = state.offered(server, kidContextOf(one));
  if (offer?.context === undefined) throw new Error("request #1 names no context");
  equal(unprotect(oscore, offer.context, one), GET);
  const second = state.challenge(server, offer);
  const binding = boundTo(sent);
  const response = protect(oscore, second, CHALLENGE, {
    sender: SERVER,
    request: binding,
    namesKey: true,
  });
  const challenge = challenged(end, first, kidContextOf(response));
  if (challenge === undefined) throw new Error("response #1 holds no R2");
  equal(unprotect(oscore, challenge.context, response, { request: binding }), CHALLENGE);
  const clientEnd = answer(end, challenge);
  const two = request(clientEnd.context);
  const serverEnd = state.accept(server, kidContextOf(two));
  if (serverEnd === undefined) throw new Error("request #2 is not accepted");
  equal(unprotect(oscore, serverEnd.context, two), GET);
  return { clientEnd, serverEnd, second: two };
}

function start(state = new RenegotiationServer({ crypto, random: counting() })): Run {
  const first = ask({ crypto, random: counting(), secrets: client });
  return run(state, first, first.context as PairContext);
}

test("five steps, and both ends have a context that is neither's alone", () => {
  const { clientEnd, serverEnd } = start();
  equal(toHex(clientEnd.idContext), toHex(serverEnd.idContext));
  // S2, its tag, and R3, each of 8 bytes.
  equal(clientEnd.idContext.length, 24);
  equal(toHex(clientEnd.context.keyId), `5818${toHex(clientEnd.idContext)}`);
  const request = boundTo(clientEnd.context);
  const response = protect(oscore, serverEnd.context, CONTENT, { sender: SERVER, request });
  equal(unprotect(oscore, clientEnd.context, response, { request }), CONTENT);
});

test("what was established is stored, and imported again", () => {
  const { clientEnd } = start();
  const raw = encode(
    new Map<Cbor, Cbor>([
      [1, client.secret],
      [2, client.salt],
      [3, clientEnd.idContext],
      [4, SERVER],
    ]),
  );
  const own = { id: CLIENT, credential: EMPTY, signer: undefined };
  const { keyId } = clientEnd.context;
  const again = oscore.importKey(crypto, { keyId, raw, own, addresses: [] });
  equal(request(again), request(clientEnd.context));
});

test("a server that lost its context begins with an ordinary request of the client's", () => {
  const before = start().clientEnd;
  const rebooted = new RenegotiationServer({ crypto, random: counting() });
  const first = asked(before.idContext, before.context);
  const { clientEnd, serverEnd } = run(rebooted, first, before.context);
  equal(toHex(clientEnd.idContext), toHex(serverEnd.idContext));
});

test("a request #2 works once: after the run its R2 is nobody's", () => {
  const state = new RenegotiationServer({ crypto, random: counting() });
  const { second } = start(state);
  state.forget();
  equal(state.accept(server, kidContextOf(second)), undefined);
  const seed = new Uint8Array(8);
  const tag = crypto.hmac({ key: new Uint8Array(32), data: seed }).subarray(0, 8);
  const guess = encode(concat(seed, tag, new Uint8Array(8)));
  equal(state.accept(server, guess), undefined, "nor is a wiped key any good");
  start(state);
  equal(state.accept(server, kidContextOf(second)), undefined, "nor in the next run");
});

test("an R2 that this server did not make is refused", () => {
  const state = new RenegotiationServer({ crypto, random: counting() });
  const { clientEnd } = start(state);
  const made = clientEnd.idContext.slice();
  made[8] ^= 1;
  equal(state.accept(server, encode(made)), undefined);
  made[8] ^= 1;
  made[0] ^= 1;
  equal(state.accept(server, encode(made)), undefined);
  const fresh = new RenegotiationServer({ crypto, random: counting() });
  equal(fresh.accept(server, encode(clientEnd.idContext)), undefined);
});

test("a request #2 without an R3 of the client's is refused", () => {
  const state = new RenegotiationServer({ crypto, random: counting() });
  const { clientEnd } = start(state);
  equal(state.accept(server, encode(clientEnd.idContext.slice(0, 16))), undefined);
  equal(state.accept(server, encode(clientEnd.idContext.slice(0, 23))), undefined);
});

test("response #1 of somebody without the secret does not open, and the run goes on", () => {
  const end = { crypto, random: counting(), secrets: client };
  const first = ask(end);
  const sent = first.context as PairContext;
  const forger = { ...server, secret: h("ff".repeat(16)) };
  const state = new RenegotiationServer({ crypto, random: counting() });
  const binding = boundTo(sent);
  const response = protect(oscore, state.challenge(forger, first), CHALLENGE, {
    sender: SERVER,
    request: binding,
    namesKey: true,
  });
  const challenge = challenged(end, first, kidContextOf(response));
  const opened = challenge && unprotect(oscore, challenge.context, response, { request: binding });
  equal(opened, "forged");
  run(state, first, sent);
});

test("response #1 belongs to its request #1", () => {
  const end = { crypto, random: counting(), secrets: client };
  const first = ask(end);
  const other = ask(end);
  const state = new RenegotiationServer({ crypto, random: counting() });
  const binding = boundTo(first.context as PairContext);
  const response = protect(oscore, state.challenge(server, first), CHALLENGE, {
    sender: SERVER,
    request: binding,
    namesKey: true,
  });
  const challenge = challenged(end, other, kidContextOf(response));
  const opened = challenge && unprotect(oscore, challenge.context, response, { request: binding });
  equal(opened, "forged");
});

test("no challenge is under the context of another", () => {
  const state = new RenegotiationServer({ crypto, random: counting() });
  const first = ask({ crypto, random: counting(), secrets: client });
  const one = state.challenge(server, first);
  const two = state.challenge(server, first);
  equal(toHex(one.keyId) === toHex(two.keyId), false);
});

test("a nonce of fewer than 8 bytes is none", () => {
  const state = new RenegotiationServer({ crypto, random: counting() });
  equal(state.offered(server, encode(new Uint8Array(7))), undefined);
  equal(state.offered(server, encode(new Uint8Array(8))) === undefined, false);
});

test("a kid context that is long, or no byte string, is none of a run", () => {
  const state = new RenegotiationServer({ crypto, random: counting() });
  equal(state.offered(server, encode(new Uint8Array(65))), undefined);
  equal(state.offered(server, new Uint8Array(9)), undefined);
  equal(state.offered(server, concat(encode(new Uint8Array(8)), h("00"))), undefined);
  equal(state.offered(server, EMPTY), undefined);
});
