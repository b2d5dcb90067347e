/** The KDC's resources: keys for tokens, tokens for the Group Manager, revocations. */
import { emitQuestion, parseDelivery } from "../../modules/access/delivery.js";
import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { issueToken, verifyToken } from "../../modules/access/token.js";
import { envelopeAad, expel, renew, sealingOf } from "../../modules/authority/distribution.js";
import { noteHeard } from "../../modules/authority/heard.js";
import { answerKdc } from "../../modules/authority/kdc-face.js";
import { accesses, groups, inGroup, members, numberKey } from "../../modules/authority/records.js";
import { emitRevocation } from "../../modules/authority/revocation.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { encode } from "../../modules/cbor/encode.js";
import { openEnvelope } from "../../modules/cose/envelope.js";
import { vouch } from "../../modules/cose/vouched.js";
import { equal, test } from "../harness.js";
import { ask, GROUP, parties } from "../support/authority.js";
import { UNBROKEN } from "../support/comers.js";
import { ALL, cborMap, Kdc, mapIn, NOW, outcome, pairwise } from "../support/kdc.js";

const h = fromHex;
const INCARNATION = h("0102030405060708");
const { crypto, as, asAnchor, kdcAnchor } = parties();
const RECEIVES: Scope = [{ appGroup: 1, level: 2, roles: RECEIVER }];

const question = (token: Uint8Array, wanted = [1]) =>
  emitQuestion({ token, wanted, credential: h(""), incarnation: INCARNATION });

const keysOf = (kdc: Kdc, at: number, token: Uint8Array, wanted = [1]) =>
  kdc.say(at, "keys", { format: 60, payload: question(token, wanted) });

test("/keys: a sender gets a token for himself, one to show, and the group's terms", () => {
  const kdc = new Kdc({ validitySeconds: 100, messages: 1000 });
  const reply = keysOf(kdc, 1, kdc.token(1));
  equal([outcome(reply), reply.response.format], ["2.05", 60]);
  const delivery = parseDelivery(reply.response.payload ?? h(""));
  equal(delivery?.tokens.length, 2);
  const opened = (at: number, key: ReturnType<typeof pairwise>["key"]) => {
    const rules = { anchors: [kdcAnchor], audience: "hall", nowSeconds: NOW };
    const verdict = verifyToken(crypto, delivery?.tokens[at] ?? h(""), rules);
    if (!verdict.ok) throw new Error(verdict.fault);
    const { envelope, securityGroup = h(""), subject } = verdict.value;
    return openEnvelope(envelope, { key, externalAad: envelopeAad(securityGroup, subject) });
  };
  const own = opened(0, pairwise().key);
  const sealing = kdc.run((rows) => sealingOf(rows, kdc.center, GROUP));
  equal(own !== undefined && toHex(own), toHex(opened(1, sealing.key) ?? h("")), "the same key");
  equal(opened(1, pairwise().key), undefined);
  equal(delivery?.terms, [{ securityGroup: h("09"), validitySeconds: 100, messages: 1000 }]);
  equal(
    delivery?.sealings.map(({ securityGroup }) => toHex(securityGroup)),
    ["09"],
  );
  equal([delivery?.broken, delivery?.revoked], [[], []]);
});

test("/keys: who only listens has nothing to show; who only sends opens no one's tokens", () => {
  const kdc = new Kdc();
  const receiver = keysOf(kdc, 1, kdc.token(1, RECEIVES));
  equal(parseDelivery(receiver.response.payload ?? h(""))?.tokens.length, 1);
  const sender = keysOf(kdc, 2, kdc.token(2, [{ appGroup: 1, level: 2, roles: SENDER }]));
  const delivery = parseDelivery(sender.response.payload ?? h(""));
  equal([delivery?.tokens.length, delivery?.sealings.length], [2, 0]);
});

test("/keys: who comes late hears the senders' numbers where the authority listens", () => {
  const kdc = new Kdc({}, { listening: UNBROKEN });
  kdc.set({ numbers: "heard" });
  keysOf(kdc, 1, kdc.token(1));
  kdc.run((rows) => noteHeard(rows, GROUP, { clientId: h("01"), epoch: 1, number: 9 }));
  const numbers = (at: number, token: Uint8Array) => {
    const { response } = keysOf(kdc, at, token);
    return parseDelivery(response.payload ?? h(""))?.numbers;
  };
  const told = [{ securityGroup: h("09"), sender: h("01"), next: 10 }];
  equal(numbers(2, kdc.token(2, RECEIVES)), told);
  equal(numbers(3, kdc.token(3, [{ appGroup: 1, level: 2, roles: SENDER }])), [], "hears nobody");
});

test("/keys: each refusal has its code and its name, the peer hears the code only", () => {
  const kdc = new Kdc();
  const token = kdc.token(1);
  equal(outcome(kdc.say(1, "keys", { format: 60, payload: h("ff") })), "4.00 malformed");
  equal(outcome(kdc.say(1, "keys", { format: 19, payload: question(token) })), "4.15");
  equal(outcome(kdc.say(1, "keys", { method: 1 })), "4.05");
  equal(outcome(keysOf(kdc, 2, token)), "4.01 holder", "read somewhere");
  equal(outcome(keysOf(kdc, 1, token, [2])), "4.03 scope");
  const raised = token.slice();
  raised[raised.length - 1] ^= 1;
  equal(outcome(keysOf(kdc, 1, raised)), "4.01 forged");
  equal(outcome(keysOf(kdc, 1, h("00"))), "4.00 malformed");
  equal(outcome(keysOf(kdc, 1, encode(h("0102")))), "4.01 reference", "nobody to ask");
  const request = ask({ path: "keys", from: "c1", format: 60, payload: question(token) });
  const parts = { center: kdc.center, now: () => NOW };
  equal(outcome(kdc.run((rows) => answerKdc(rows, parts, request))), "4.01 channel");
  equal(outcome(keysOf(kdc, 1, token)), "2.05");
  equal(outcome(kdc.say(1, "nothing")), "4.04");
});

test("/keys: a token with a bit flipped anywhere lets nobody in, with whatever level", () => {
  const kdc = new Kdc();
  const token = kdc.token(1);
  const reasons = new Set<string>();
  for (let at = 0; at < token.length; at++) {
    const flipped = token.slice();
    flipped[at] ^= 1 << (at % 8);
    const { response, refused = "given" } = keysOf(kdc, 1, flipped);
    equal(response.payload, undefined, `byte ${at}`);
    reasons.add(refused);
  }
  equal([...reasons].sort(), ["forged", "malformed", "untrusted"]);
  equal(
    kdc.run((rows) => members.keys(rows)),
    [],
  );
});

test("/keys: who is behind a broken key hears so; who has nothing older does not", () => {
  const kdc = new Kdc();
  const broken = (at: number, token: Uint8Array) => {
    const { response } = keysOf(kdc, at, token);
    return parseDelivery(response.payload ?? h(""))?.broken.map(toHex);
  };
  const [first, second, third] = [kdc.token(1), kdc.token(2), kdc.token(3)];
  equal(broken(1, first), []);
  equal(broken(2, second), []);
  kdc.run((rows) => expel(rows, kdc.center, h("02"), NOW));
  equal(broken(1, first), ["09"]);
  equal(broken(3, third), ["09"], "a newcomer has none to keep");
  kdc.run((rows) => {
    const key = inGroup(GROUP, h("01"));
    const { epoch: confirmed } = groups.need(rows, numberKey(GROUP));
    members.put(rows, key, { ...members.need(rows, key), confirmed });
    renew(rows, kdc.center, GROUP, { isBroken: false, now: NOW });
  });
  equal(broken(1, first), [], "the key before the newest is a good one");
  const { response } = keysOf(kdc, 1, first);
  const delivery = parseDelivery(response.payload ?? h(""));
  equal(delivery?.revoked, [{ clientId: h("02"), upTo: NOW }]);
});

test("two that give out client ids gave out the same one: the second device gets no key", () => {
  const other = { ...as, name: "other" };
  const anchors = [asAnchor, { ...asAnchor, issuer: "other" }];
  const kdc = new Kdc({}, { anchors });
  equal(outcome(keysOf(kdc, 1, kdc.token(1))), "2.05");
  const claims = { issuer: "other", subject: h("01"), audience: "kdc", issuedAt: NOW + 1 };
  const rest = { id: h("77"), scope: ALL, confirmation: { kid: h("c2") } };
  const token = issueToken(crypto, { ...other, claims: { ...claims, ...rest } });
  equal(outcome(keysOf(kdc, 2, token)), "4.01 taken");
  equal(outcome(keysOf(kdc, 1, kdc.token(1))), "2.05", "the first one is not shut out by it");
  const said = { clientId: h("01"), audience: "kdc", issuedAt: NOW };
  equal(outcome(kdc.say(2, "revoke", { payload: emitRevocation(other, said) })), "4.01 taken");
  equal(outcome(keysOf(kdc, 1, kdc.token(1))), "2.05", "nor revoked");
});

test("/authz-info: a token for the Group Manager, and a challenge", () => {
  const kdc = new Kdc({ profile: "group-oscore" });
  const token = kdc.token(1);
  const alone = kdc.say(1, "authz-info", { format: 61, payload: token });
  equal([outcome(alone), mapIn(alone.response.payload)?.size], ["2.01", 1]);
  const asked = cborMap([1, token], [45, null]);
  const { response } = kdc.say(1, "authz-info", { format: 19, payload: asked });
  const answer = mapIn(response.payload);
  const challenge = answer?.get(46);
  equal(challenge instanceof Uint8Array && challenge.length, 16);
  equal(answer?.get(45), [["9", -8, [1], [1, 6], 14]]);
  equal(outcome(kdc.say(2, "authz-info", { format: 61, payload: token })), "4.01 holder");
  equal(outcome(kdc.say(1, "authz-info", { format: 60, payload: token })), "4.00 malformed");
  equal(outcome(kdc.say(1, "authz-info", { format: 19, payload: cborMap() })), "4.00 malformed");
});

test("/authz-info: the same token again is no new start for who failed to show his key", () => {
  const kdc = new Kdc();
  kdc.admit(1);
  const name = "dtls/c1";
  const fail = () =>
    kdc.run((rows) => accesses.put(rows, name, { ...accesses.need(rows, name), failures: 3 }));
  const failures = () => kdc.run((rows) => accesses.need(rows, name).failures);
  fail();
  kdc.admit(1);
  equal(failures(), 3);
  kdc.now += 1;
  kdc.admit(1);
  equal(failures(), 0, "a newer one is");
});

test("/revoke: what an AS signs, for this KDC, whoever brings it and however often", () => {
  const kdc = new Kdc();
  const token = kdc.token(1);
  equal(outcome(keysOf(kdc, 1, token)), "2.05");
  const said = { clientId: h("01"), audience: "kdc", issuedAt: NOW };
  const send = (payload: Uint8Array) => outcome(kdc.say(7, "revoke", { payload }));
  equal(send(h("00")), "4.00 malformed");
  equal(send(token), "4.00 malformed", "a token is none");
  equal(send(emitRevocation({ ...as, name: "other" }, said)), "4.01 untrusted");
  equal(send(emitRevocation(as, { ...said, audience: "far" })), "4.03 audience");
  const forged = emitRevocation(as, said);
  forged[forged.length - 1] ^= 1;
  equal(send(forged), "4.01 forged");
  equal(outcome(keysOf(kdc, 1, token)), "2.05", "none of these counted");
  equal(send(emitRevocation(as, said)), "2.04");
  equal(outcome(keysOf(kdc, 1, token)), "4.01 revoked");
  equal(kdc.group.brokenBefore, 2);
  equal(send(emitRevocation(as, said)), "2.04");
  equal(kdc.group.epoch, 2, "nobody was left to put out");
});

test("/revoke: more than the four claims is no revocation", () => {
  const kdc = new Kdc();
  const { voucher, kid } = as;
  const claims = cborMap([1, "as"], [2, h("01")], [3, "kdc"], [6, NOW], [7, h("01")]);
  const payload = encode(vouch(crypto, { voucher, kid, payload: claims }));
  equal(outcome(kdc.say(7, "revoke", { payload })), "4.00 malformed", "it is somebody's token");
});

test("nothing of a refused question stays but the latest time", () => {
  const kdc = new Kdc();
  const token = kdc.token(1);
  keysOf(kdc, 1, token, [2, 3]);
  equal(
    kdc.run((rows) => members.keys(rows)),
    [],
  );
  equal(
    kdc.run((rows) => groups.need(rows, numberKey(GROUP)).epoch),
    0,
  );
});
