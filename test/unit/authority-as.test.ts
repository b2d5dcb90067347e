/** The Authorization Server's resources: RFC 9200's maps, its error codes, and who may ask. */
import {
  emitIntrospection,
  emitTimeAsk,
  emitTokenAsk,
  parametersOf,
  parseActive,
  parseTokenAnswer,
} from "../../modules/access/ace.js";
import { type Scope, SENDER } from "../../modules/access/scope.js";
import { verifyToken } from "../../modules/access/token.js";
import { type Note, Refusals } from "../../modules/authority/answers.js";
import { answerAs, asFace } from "../../modules/authority/as-face.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { devices, NONE, tokens } from "../../modules/authority/records.js";
import { enrol, reportLost, TOKENS_KEPT_MAX } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import type { SecureRequest } from "../../modules/secure/request.js";
import { equal, test } from "../harness.js";
import { ask, parties, SCOPE } from "../support/authority.js";
import { SeededRandom } from "../support/random.js";

const h = fromHex;
const NOW = 1_790_000_000;
const { crypto, as, asAnchor } = parties();
const LAMP = { name: "lamp", credential: h("c1"), scope: SCOPE, tokenSeconds: 60 };
const EUI = h("0000000000000001");

/** An AS with one device, `c1`, and three KDCs. */
class Desk {
  readonly ledger = new MemoryLedger();
  now: number | undefined = NOW;
  readonly parts = {
    issuer: as,
    random: new SeededRandom(5),
    audiences: [
      { name: "kdc", asker: "k1" },
      { name: "far", asker: "k2", byReference: true },
      { name: "open", isBearer: true },
    ],
    now: () => this.now,
  };

  constructor() {
    this.run((rows) => enrol(rows, EUI, LAMP));
  }

  run<T>(decide: (rows: Rows) => T): T {
    return this.ledger.run(decide);
  }

  say(path: string, payload: Uint8Array, changed: Partial<SecureRequest> = {}) {
    const request = { ...ask({ path, payload }), ...changed };
    return this.run((rows) => answerAs(rows, this.parts, request));
  }

  /** Reason, code and RFC 9200's error of a refusal. */
  refused(path: string, payload: Uint8Array, changed: Partial<SecureRequest> = {}): string {
    const { response, refused } = this.say(path, payload, changed);
    const map = parametersOf(response.payload ?? h(""));
    return `${refused ?? "-"} ${(response.code >> 5) * 100 + (response.code & 31)} ${map?.get(30)}`;
  }

  token(audience: string, scope?: Scope): Uint8Array {
    const wanted = scope === undefined ? { audience } : { audience, scope };
    const { response } = this.say("token", emitTokenAsk(wanted));
    const answer = parseTokenAnswer(response.payload ?? h(""));
    if (answer === undefined) throw new Error(`no token: ${response.code}`);
    return answer.token;
  }

  introspect(token: Uint8Array, asker = "k1") {
    const { response } = this.say("introspect", emitIntrospection(token), from(asker));
    equal(response.code, 0x41);
    return parseActive(response.payload ?? h(""));
  }
}

const from = (id: string, by: "dtls" | "oscore" = "dtls") => ({ from: { by, id } });
const map = (...entries: [number, Cbor][]) => encode(new Map<Cbor, Cbor>(entries));

test("/token: an AT-KDC for the device that the channel proves, in RFC 9200's parameters", () => {
  const desk = new Desk();
  const { response, refused } = desk.say("token", map([5, "kdc"], [38, null]));
  equal([response.code, response.format, refused], [0x41, 19, undefined]);
  const answer = parametersOf(response.payload ?? h(""));
  equal([...(answer?.keys() ?? [])], [1, 2, 8, 9, 38]);
  equal(answer?.get(2), 60);
  equal(answer?.get(8), new Map([[3, h("c1")]]));
  equal(answer?.get(38), 1, "coap_dtls");
  const rules = { anchors: [asAnchor], audience: "kdc", nowSeconds: NOW };
  const verdict = verifyToken(crypto, answer?.get(1) as Uint8Array, rules);
  equal(verdict.ok && toHex(verdict.value.subject), "01");
  const overOscore = desk.say("token", map([38, null]), from("c1", "oscore"));
  equal(parametersOf(overOscore.response.payload ?? h(""))?.get(38), 2, "coap_oscore");
});

test("/token: every refusal has RFC 9200's error, and a name for the log", () => {
  const desk = new Desk();
  const most: Scope = [{ appGroup: 1, level: 3, roles: SENDER }];
  equal(desk.refused("token", h("ff")), "malformed 400 1");
  equal(desk.refused("token", map([5, 7])), "malformed 400 1");
  equal(desk.refused("token", map([33, 0])), "grant 400 5", "password");
  equal(desk.refused("token", map([5, "moon"])), "audience 400 1");
  equal(desk.refused("token", map([9, h("80")])), "scope 400 6");
  equal(desk.refused("token", map([9, "all"])), "scope 400 6");
  equal(desk.refused("token", emitTokenAsk({ audience: "kdc", scope: most })), "scope 400 6");
  equal(desk.refused("token", map(), from("c2")), "holder 401 2", "nobody's channel");
  const otherKey = new Map<Cbor, Cbor>([[3, h("c2")]]);
  equal(desk.refused("token", map([4, otherKey])), "holder 400 7", "another device's key");
  const ownKey = new Map<Cbor, Cbor>([[3, h("c1")]]);
  equal(desk.refused("token", map([4, ownKey])), "- 201 undefined");
  equal(desk.refused("token", map([4, new Map([[1, new Map()]])])), "holder 400 7");
  desk.run((rows) => reportLost(rows, EUI));
  equal(desk.refused("token", map()), "revoked 400 4");
});

test("the AS has three resources, which take POST and ace+cbor", () => {
  const desk = new Desk();
  equal(desk.refused("keys", map()), "- 404 undefined");
  equal(desk.refused("token", map(), { path: ["token", "x"] }), "- 404 undefined");
  equal(desk.refused("token", map(), { method: 1 }), "- 405 undefined");
  equal(desk.refused("token", map(), { format: 60 }), "- 415 undefined");
});

test("/introspect: tells the one a token is for whether it is in force", () => {
  const desk = new Desk();
  const token = desk.token("kdc");
  const claims = desk.introspect(token);
  equal(claims, {
    issuer: "as",
    subject: h("01"),
    audience: "kdc",
    issuedAt: NOW,
    expiresAt: NOW + 60,
    id: h("01"),
    scope: SCOPE,
    confirmation: { kid: h("c1") },
  });
  equal(desk.introspect(token, "k2"), undefined, "not its audience");
  const changed = token.slice();
  changed[changed.length - 1] ^= 1;
  equal(desk.introspect(changed), undefined, "not signed here");
  equal(desk.introspect(encode(h("07"))), undefined, "a name that is none");
  equal(desk.refused("introspect", emitIntrospection(token)), "holder 403 undefined");
  equal(desk.refused("introspect", map(), from("k1")), "malformed 400 1");
  desk.now = NOW + 60;
  equal(desk.introspect(token), undefined, "over");
});

test("/introspect: a token by reference is the name of one, and nobody guesses it", () => {
  const desk = new Desk();
  const token = desk.token("far");
  const name = decode(token);
  equal(name.ok && (name.value as Uint8Array).length, 16);
  const rules = { anchors: [asAnchor], audience: "far", nowSeconds: NOW };
  equal(verifyToken(crypto, token, rules), { ok: false, fault: "reference" });
  const claims = desk.introspect(token, "k2");
  equal(claims?.confirmation, { kid: h("c1") });
  equal(claims?.scope, SCOPE);
  equal(desk.introspect(token, "k1"), undefined, "for another");
  equal(desk.introspect(desk.token("kdc")) === undefined, false);
  for (let id = 1; id < 9; id++) {
    equal(desk.introspect(encode(Uint8Array.of(id))), undefined, "the number of a token");
  }
  desk.run((rows) => reportLost(rows, EUI));
  equal(desk.introspect(token, "k2"), undefined, "taken back");
});

test("/introspect: a device that is lost has no token in force, whatever its row says", () => {
  const desk = new Desk();
  const token = desk.token("kdc");
  desk.run((rows) => {
    devices.put(rows, toHex(EUI), { ...devices.need(rows, toHex(EUI)), isLost: true });
  });
  equal(desk.introspect(token), undefined);
});

test("/introspect: a token that was taken back is in force nowhere", () => {
  const desk = new Desk();
  const token = desk.token("kdc");
  desk.run((rows) => tokens.put(rows, "01", { ...tokens.need(rows, "01"), isRevoked: true }));
  equal(desk.introspect(token), undefined);
});

test("/token: a bearer's token names no key", () => {
  const desk = new Desk();
  const { response } = desk.say("token", emitTokenAsk({ audience: "open" }));
  const answer = parametersOf(response.payload ?? h(""));
  equal([answer?.get(34), answer?.get(8)], [1, undefined]);
  const rules = { anchors: [asAnchor], audience: "open", nowSeconds: NOW };
  const verdict = verifyToken(crypto, answer?.get(1) as Uint8Array, rules);
  equal(verdict.ok && verdict.value.confirmation, undefined);
});

test("/token: who asks all the time does not fill the disk", () => {
  const desk = new Desk();
  const first = desk.token("kdc");
  for (let i = 0; i < 20; i++) desk.token("kdc");
  equal(
    desk.run((rows) => tokens.keys(rows).length),
    TOKENS_KEPT_MAX,
  );
  equal(desk.introspect(first), undefined);
  equal(desk.introspect(desk.token("kdc"))?.audience, "kdc");
});

test("/token: one that does not end says nothing of an end", () => {
  const desk = new Desk();
  desk.run((rows) => enrol(rows, EUI, { ...LAMP, tokenSeconds: NONE }));
  const { response } = desk.say("token", emitTokenAsk({ audience: "kdc" }));
  equal(parseTokenAnswer(response.payload ?? h(""))?.expiresIn, undefined);
});

test("/introspect's answers: only those of a token in force bring claims", () => {
  const whole = new Map<Cbor, Cbor>([
    [10, true],
    [1, "as"],
    [2, h("01")],
    [3, "kdc"],
    [6, 1],
    [7, h("01")],
    [9, h("8183010201")],
  ]);
  equal(parseActive(encode(whole))?.audience, "kdc");
  for (const label of whole.keys()) {
    const part = new Map(whole);
    part.delete(label);
    equal(parseActive(encode(part)), undefined, `without ${label}`);
  }
  equal(parseActive(encode(new Map(whole).set(10, false))), undefined);
  equal(parseActive(encode(new Map(whole).set(8, new Map([[1, 1]])))), undefined);
  equal(parseActive(encode(new Map(whole).set(4, "soon"))), undefined);
});

test("/time: signed for one nonce; no clock, no time", () => {
  const desk = new Desk();
  const { response } = desk.say("time", emitTimeAsk(h("0102")));
  equal([response.code, response.format], [0x45, 18]);
  equal(desk.refused("time", map()), "malformed 400 undefined");
  equal(desk.refused("time", emitTimeAsk(new Uint8Array(17))), "malformed 400 undefined");
  desk.now = undefined;
  equal(desk.refused("time", emitTimeAsk(h("0102"))), "- 503 undefined");
});

test("refusals are noted the first time, and then each time there are twice as many", () => {
  const refusals = new Refusals();
  const request = ask({ path: "keys", from: "c1" });
  const notes: (Note | undefined)[] = [];
  for (let i = 0; i < 9; i++) notes.push(refusals.due(request, "scope"));
  equal(
    notes.map((note) => note !== undefined),
    [true, true, false, true, false, false, false, true, false],
  );
  equal(notes[0], { by: "c1", what: "refused /keys: scope" });
  equal(notes[7]?.what, "refused /keys: scope, 8 times by now");
  equal(refusals.due(ask({ path: "keys", from: "c2" }), "scope")?.by, "c2");
});

test("refusals of many strangers count as one's", () => {
  const refusals = new Refusals();
  let due = 0;
  for (let i = 0; i < 4096; i++) {
    if (refusals.due(ask({ path: "token", from: `${i}` }), "holder") !== undefined) due++;
  }
  equal(due, 1024 + 12);
});

test("the handler runs one transaction a question", () => {
  const desk = new Desk();
  let runs = 0;
  const ledger = {
    transaction: <T>(decide: (rows: Rows) => T) => {
      runs++;
      return desk.ledger.transaction(decide);
    },
  };
  const face = asFace({ ...desk.parts, ledger, note: () => {} });
  face(ask({ path: "token", payload: map() }));
  equal(runs, 1);
});
