/** Decisions of an authority: who may have which token, who may have which key, and since when. */
import { type Claims, parseClaims } from "../../modules/access/claims.js";
import { type Scope, SENDER } from "../../modules/access/scope.js";
import { issueToken, verifyToken } from "../../modules/access/token.js";
import {
  confirm,
  createGroup,
  envelopeAad,
  expel,
  GROUP_MEMBERS_MAX,
  giveKeys,
  isOver,
  leave,
  renew,
} from "../../modules/authority/distribution.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { drawMaterial, GROUP_PROFILES } from "../../modules/authority/material.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import {
  devices,
  groups,
  inGroup,
  keys,
  members,
  NONE,
  newcomer,
  numberKey,
  pushes,
  putPair,
} from "../../modules/authority/records.js";
import { enrol, grantToken, reportLost, signTime } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { openEnvelope } from "../../modules/cose/envelope.js";
import { isVouched, vouchedOf } from "../../modules/cose/vouched.js";
import { services } from "../../modules/device/services.js";
import { compareKeyIds } from "../../modules/groups/directory.js";
import { AES_CCM_16_64_128 } from "../../modules/ports/crypto.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { equal, test, throws } from "../harness.js";
import { centerOf, claimsSetOf, furnish, parties, SCOPE, TERMS } from "../support/authority.js";
import { SeededRandom } from "../support/random.js";

const h = fromHex;
const NOW = 1_790_000_000;
const { crypto, signer, as: AS, asAnchor: AS_ANCHOR, kdcAnchor: KDC_ANCHOR } = parties();
const MANAGER = claimsSetOf(signer.publicKey);

const LAMP = { name: "lamp", scope: SCOPE, tokenSeconds: NONE };
const PAIRWISE_KEY = "000102030405060708090a0b0c0d0e0f";
const pairwise = () => ({ kid: h("01"), key: crypto.aeadKey(AES_CCM_16_64_128, h(PAIRWISE_KEY)) });
/** A place with one group, `count` devices in it and their tokens. */
class Place {
  readonly ledger = new MemoryLedger();
  readonly center = centerOf();
  readonly tokens: Uint8Array[] = [];

  constructor(count: number, terms = TERMS) {
    this.run((rows) => furnish(rows, this.center, terms));
    for (let at = 0; at < count; at++) this.tokens.push(this.token(at));
  }

  run<T>(decide: (rows: Rows) => T): T {
    return this.ledger.run(decide);
  }

  token(at: number, now = NOW): Uint8Array {
    return this.run((rows) => {
      enrol(rows, eui(at), { ...LAMP, credential: credential(at) });
      const granted = grantToken(rows, AS, { credential: credential(at), audience: "kdc", now });
      if (!granted.ok) throw new Error(granted.fault);
      return granted.value;
    });
  }

  ask(at: number, changed: Partial<Parameters<typeof giveKeys>[2]> = {}) {
    return this.run((rows) =>
      giveKeys(rows, this.center, {
        token: this.tokens[at],
        holder: credential(at),
        wanted: [1],
        credential: h("ed"),
        incarnation: h("0102030405060708"),
        pairwise: pairwise(),
        now: NOW,
        ...changed,
      }),
    );
  }

  faultOf(at: number, changed: Partial<Parameters<typeof giveKeys>[2]> = {}): string {
    const verdict = this.ask(at, changed);
    return verdict.ok ? "given" : verdict.fault;
  }

  /** Claims and key of the first AT-R somebody gets. */
  given(at: number): { claims: Claims; keyId: Uint8Array; key: Cbor; material: Cbor } {
    const verdict = this.ask(at);
    if (!verdict.ok) throw new Error(verdict.fault);
    const rules = { anchors: [KDC_ANCHOR], audience: "hall", nowSeconds: NOW };
    const token = verifyToken(crypto, verdict.value.tokens[0], rules);
    if (!token.ok) throw new Error(token.fault);
    const claims = token.value;
    const externalAad = envelopeAad(claims.securityGroup ?? h(""), claims.subject);
    const plain = openEnvelope(claims.envelope, { key: pairwise().key, externalAad });
    const decoded = decode(plain ?? h(""));
    if (!decoded.ok || !(decoded.value instanceof Map)) throw new Error("no key in the envelope");
    const key = decoded.value;
    const keyId = key.get(2) as Uint8Array;
    return { claims, keyId, key: key.get(-1), material: key.get(-70003) };
  }

  pushed(): string[] {
    return this.run((rows) => [...pushes.keys(rows)]);
  }
}

const eui = (at: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, at >> 8, at & 255);
const credential = (at: number) => utf8(`psk-${at}`);

test("AS: a device gets a token of what it may have, and no more", () => {
  const ledger = new MemoryLedger();
  const ask = (changed: { scope?: Scope; credential?: Uint8Array }) =>
    ledger.run((rows) =>
      grantToken(rows, AS, { credential: h("c1"), audience: "kdc", now: NOW, ...changed }),
    );
  const faultOf = (changed: { scope?: Scope; credential?: Uint8Array }) => {
    const verdict = ask(changed);
    return verdict.ok ? "granted" : verdict.fault;
  };
  equal(faultOf({}), "holder", "nobody is known yet");
  ledger.run((rows) => enrol(rows, eui(1), { ...LAMP, credential: h("c1"), tokenSeconds: 60 }));
  const verdict = ask({});
  if (!verdict.ok) throw new Error(verdict.fault);
  const rules = { anchors: [AS_ANCHOR], audience: "kdc", nowSeconds: NOW };
  const token = verifyToken(crypto, verdict.value, rules);
  equal(token.ok && token.value, {
    issuer: "as",
    subject: h("01"),
    audience: "kdc",
    expiresAt: NOW + 60,
    issuedAt: NOW,
    id: h("01"),
    confirmation: { kid: h("c1") },
    scope: SCOPE,
  });
  equal(faultOf({ scope: [{ appGroup: 1, level: 1, roles: SENDER }] }), "granted", "less");
  equal(faultOf({ scope: [{ appGroup: 1, level: 3, roles: SENDER }] }), "scope");
  equal(faultOf({ scope: [{ appGroup: 2, level: 1, roles: SENDER }] }), "scope");
  equal(faultOf({ scope: [] }), "scope");
  equal(faultOf({ credential: h("c2") }), "holder");
});

test("AS: a client id is one device's for ever, a credential as well", () => {
  const ledger = new MemoryLedger();
  const enter = (at: number, of = at) =>
    ledger.run((rows) => enrol(rows, eui(at), { ...LAMP, credential: credential(of) }).clientId);
  equal(toHex(enter(1)), "01");
  ledger.run((rows) => rows.put("client", "02", eui(77)));
  equal(toHex(enter(2)), "03", "02 was taken by another KDC");
  equal(toHex(enter(1)), "01", "the same device again");
  throws(() => enter(3, 1), /credential is that of lamp/);
  equal(
    ledger.run((rows) => devices.get(rows, toHex(eui(3)))),
    undefined,
    "nothing of it was written",
  );
  equal(toHex(enter(3)), "04");
  for (let at = 4; at < 300; at++) enter(at);
  equal(toHex(enter(299)), "012c");
});

test("AS: what is lost gets no token any more, and cannot be entered again", () => {
  const place = new Place(2);
  equal(
    place.run((rows) => reportLost(rows, eui(0))),
    1,
  );
  equal(
    place.run((rows) => reportLost(rows, eui(0))),
    0,
  );
  throws(() => place.token(0), /reported lost/);
  place.run((rows) => {
    const request = { credential: credential(0), audience: "kdc", now: NOW };
    equal(grantToken(rows, AS, request), { ok: false, fault: "revoked" });
    equal(grantToken(rows, AS, { ...request, credential: credential(1) }).ok, true);
  });
});

test("AS: its dates do not go back with a clock", () => {
  const place = new Place(1);
  const issuedAt = (token: Uint8Array) => {
    const decoded = decode(token);
    const vouched = decoded.ok ? vouchedOf((decoded.value as { value: Cbor }).value) : undefined;
    return vouched && parseClaims(vouched.object.content)?.issuedAt;
  };
  equal(issuedAt(place.token(0, NOW + 5)), NOW + 5);
  equal(issuedAt(place.token(0, NOW - 5)), NOW + 5);
});

test("AS: the time it signs is for one question", () => {
  const said = signTime(AS, { now: NOW, nonce: h("0102") });
  const decoded = decode(said ?? h(""));
  const vouched = decoded.ok ? vouchedOf(decoded.value) : undefined;
  if (vouched === undefined) throw new Error("no COSE_Sign1");
  equal(isVouched(crypto, vouched, AS_ANCHOR), true);
  equal(toHex(vouched.object.content), "a2011a6ab13b8002420102");
  equal(signTime(AS, { now: NOW, nonce: h("") }), undefined);
  equal(signTime(AS, { now: NOW, nonce: new Uint8Array(17) }), undefined);
});

test("KDC: a member gets the group's key, sealed for him; all of a group the same", () => {
  const place = new Place(2);
  const [first, second] = [place.given(0), place.given(1)];
  equal(first.keyId, h("01"));
  equal(first.key, second.key);
  equal(first.claims.securityGroup, h("09"));
  equal(first.claims.scope, SCOPE);
  equal(toHex(first.claims.subject), "01");
  equal(toHex(second.claims.subject), "02");
  const lost = openEnvelope(first.claims.envelope, {
    key: pairwise().key,
    externalAad: envelopeAad(h("09"), h("02")),
  });
  equal(lost, undefined, "not for another");
});

test("KDC: each refusal has its name", () => {
  const place = new Place(2);
  equal(place.faultOf(0, { holder: credential(1) }), "holder", "a token that was read somewhere");
  equal(place.faultOf(0, { wanted: [2] }), "scope");
  equal(place.faultOf(0, { wanted: [2, 3] }), "scope");
  equal(place.faultOf(0, { wanted: [] }), "scope");
  equal(place.run((rows) => members.keys(rows)).length, 0, "refused for one is refused for all");
  const foreign = { ...AS, name: "other" };
  const claims: Claims = {
    issuer: "other",
    subject: h("01"),
    audience: "kdc",
    issuedAt: NOW,
    id: h("01"),
    scope: SCOPE,
  };
  equal(place.faultOf(0, { token: issueToken(crypto, { ...foreign, claims }) }), "untrusted");
  const older = { ...claims, issuer: "as", issuedAt: NOW - 1 };
  const bearer = { ...claims, issuer: "as" };
  equal(place.faultOf(0, { token: issueToken(crypto, { ...AS, claims: bearer }) }), "given");
  equal(place.faultOf(0, { token: issueToken(crypto, { ...AS, claims: older }) }), "older");
  place.run((rows) => rows.put("revoked", "02", h("01")));
  equal(place.faultOf(1), "revoked");
});

test("KDC: a scheme that signs wants a credential, and ids that fit its nonce", () => {
  const place = new Place(1, { ...TERMS, profile: "group-oscore" });
  equal(place.faultOf(0, { credential: h("") }), "holder");
  equal(place.faultOf(0), "holder", "that it is his own, nobody knows");
  place.run((rows) => {
    const proven = { ...newcomer(), credential: h("ed"), isProven: true };
    groups.put(rows, numberKey(8), groups.need(rows, numberKey(9)));
    members.put(rows, inGroup(8, h("01")), proven);
  });
  equal(place.faultOf(0, { credential: h("ee") }), "holder");
  equal(place.faultOf(0), "given");
  equal(place.faultOf(0, { credential: h("") }), "given", "the one he has");
  const records = new Place(0, { ...TERMS, profile: "dtls-record" });
  records.run((rows) => {
    for (let id = 0; id < 255; id++) rows.put("client", toHex(uintBytes(id)), eui(999));
  });
  records.tokens.push(records.token(0));
  equal(records.faultOf(0), "given", "255 is one byte");
  records.tokens.push(records.token(1));
  equal(records.faultOf(1), "scope", "256 is two");
});

test("KDC: a context of two is for these two, each with the other one's id", () => {
  const place = new Place(3, { ...TERMS, profile: "oscore" });
  equal(place.faultOf(0), "scope", "whose it is, nobody said");
  place.run((rows) => putPair(rows, 9, { one: h("01"), other: h("02") }));
  const peers = [0, 1].map((at) => {
    const { material } = place.given(at);
    return material instanceof Map ? material.get(4) : undefined;
  });
  equal(peers, [h("02"), h("01")]);
  equal(place.faultOf(2), "scope", "a third one");
});

test("KDC: a group has a hundred members", () => {
  const place = new Place(GROUP_MEMBERS_MAX + 1);
  for (let at = 0; at < GROUP_MEMBERS_MAX; at++) equal(place.faultOf(at), "given");
  equal(place.faultOf(GROUP_MEMBERS_MAX), "scope");
  equal(place.faultOf(0), "given", "who is in it asks again");
});

test("KDC: a new key is a push to each member until he has it", () => {
  const place = new Place(3);
  for (const at of [0, 1, 2]) place.given(at);
  const confirmBy = (client: string, epoch: number) =>
    place.run((rows) => confirm(rows, 9, h(client), epoch));
  for (const client of ["01", "02", "03"]) confirmBy(client, 1);
  equal(place.pushed(), []);
  const epoch = place.run((rows) => renew(rows, place.center, 9, { isBroken: false, now: NOW }));
  equal(epoch, 2);
  equal(place.pushed().length, 3);
  confirmBy("01", 2);
  confirmBy("02", 1);
  equal(
    place.pushed(),
    ["02", "03"].map((client) => inGroup(9, h(client))),
    "the older key confirms nothing",
  );
  equal(place.given(0).keyId, h("02"));
  equal(
    place.run((rows) => groups.need(rows, numberKey(9)).brokenBefore),
    0,
  );
});

test("KDC: whoever is lost is out of every group, and his keys are broken", () => {
  const place = new Place(3);
  place.run((rows) => {
    createGroup(rows, place.center, 10, TERMS);
    createGroup(rows, place.center, 11, TERMS);
  });
  for (const at of [0, 1, 2]) place.given(at);
  const before = place.given(0);
  const kek = place.run((rows) => groups.need(rows, numberKey(9)).kek);
  equal(
    place.run((rows) => expel(rows, place.center, h("01"), NOW)),
    [9],
  );
  equal(place.faultOf(0), "revoked");
  const after = place.given(1);
  equal(compareKeyIds(after.keyId, before.keyId) > 0, true);
  equal(toHex(after.key as Uint8Array) === toHex(before.key as Uint8Array), false);
  place.run((rows) => {
    const group = groups.need(rows, numberKey(9));
    equal(group.brokenBefore, 2);
    equal(toHex(group.kek) === toHex(kek), false, "what he read under it, he reads no more");
    equal(members.get(rows, inGroup(9, h("01"))), undefined);
    equal(keys.get(rows, inGroup(10, 1)), undefined, "other groups keep theirs");
  });
  equal(
    place.pushed(),
    ["02", "03"].map((client) => inGroup(9, h(client))),
  );
});

test("KDC: joining and leaving renew the key where the policy says so", () => {
  const quiet = new Place(2);
  quiet.given(0);
  equal(quiet.given(1).keyId, h("01"));
  quiet.run((rows) => leave(rows, quiet.center, 9, h("01")));
  equal(quiet.given(1).keyId, h("01"));
  const strict = new Place(2, { ...TERMS, renewsOnJoin: true, renewsOnLeave: true });
  equal(strict.given(0).keyId, h("01"));
  equal(strict.given(0).keyId, h("01"), "the same one again");
  equal(strict.given(1).keyId, h("02"), "the newcomer cannot read what was said before");
  strict.run((rows) => leave(rows, strict.center, 9, h("01")));
  equal(strict.given(1).keyId, h("03"));
});

test("KDC: a key's time ends", () => {
  const place = new Place(1, { ...TERMS, validitySeconds: 100 });
  const over = (now: number) => place.run((rows) => isOver(rows, 9, now));
  equal(over(NOW), false, "there is none yet");
  place.given(0);
  equal(over(NOW + 99), false);
  equal(over(NOW + 100), true);
});

test("KDC: a decision that throws has written nothing", () => {
  const place = new Place(1);
  throws(() => place.run((rows) => createGroup(rows, place.center, 9, TERMS)), /there already/);
  throws(() =>
    place.run((rows) => {
      renew(rows, place.center, 9, { isBroken: true, now: NOW });
      throw new Error("power fails");
    }),
  );
  equal(
    place.run((rows) => groups.need(rows, numberKey(9)).epoch),
    0,
  );
  throws(
    () => place.run((rows) => createGroup(rows, place.center, 12, { ...TERMS, profile: "tls" })),
    /no group has profile tls; give it one of lowlatency/,
  );
});

test("a damaged row is named", () => {
  const place = new Place(1);
  throws(
    () =>
      place.run((rows) => {
        rows.put("group", numberKey(9), h("80"));
        groups.get(rows, numberKey(9));
      }),
    /group 0000000009, profile does not parse; restore a backup/,
  );
});

test("material: every scheme takes what is drawn for it, under ids that rise", () => {
  const random = new SeededRandom(3);
  for (const name of GROUP_PROFILES) {
    const profile = services.schemes?.profiles[name] ?? lowlatency;
    let before = h("");
    for (const epoch of [1, 2, 255, 256]) {
      const drawing = { prefix: h("05"), epoch, random, managerCredential: MANAGER };
      const { keyId, raw } = drawMaterial(name, drawing);
      equal(compareKeyIds(keyId, before) > 0, true, `${name} ${epoch}`);
      before = keyId;
      const vouching = name === "group-oscore" ? MANAGER : signer.publicKey;
      const own = { id: h("01"), credential: vouching, signer };
      const material = profile.importKey(crypto, {
        keyId,
        raw,
        own,
        addresses: [new Uint8Array(16)],
      });
      equal(material.keyId, keyId);
    }
  }
  const last = { prefix: h("05"), epoch: 0x10000, random, managerCredential: MANAGER };
  throws(() => drawMaterial("group-oscore", last), /no key id is left/);
});
