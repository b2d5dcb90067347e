/**
 * Bad tokens wherever a token is taken: at the KDC for keys, at the Group Manager, at a luminaire.
 * Each is refused, by a name that gets into the log; nothing changes, no level rises, and the good
 * one is taken afterwards.
 */
import { emitQuestion } from "../../modules/access/delivery.js";
import { type Scope, SENDER } from "../../modules/access/scope.js";
import { Refusals } from "../../modules/authority/answers.js";
import { members } from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode, Tagged } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { HMAC_256_256, type Voucher, vouch, vouchedOf } from "../../modules/cose/vouched.js";
import { EDDSA } from "../../modules/ports/crypto.js";
import { equal, test } from "../harness.js";
import { ask, parties } from "../support/authority.js";
import { Holder, Kdc as Issuer, KID as KDC_KID, ROLES, SWITCH } from "../support/grants.js";
import { ALL, Kdc, memberSigner, NOW, outcome } from "../support/kdc.js";
import { Managed } from "../support/managed.js";
import { ROLE } from "../support/rig.js";

const h = fromHex;
const { crypto, signer } = parties();
const [EXP, SCOPE] = [4, 9];

interface Changes {
  /** Of claims; undefined: without. */
  readonly claims?: readonly (readonly [number, Cbor | undefined])[];
  readonly voucher?: Voucher;
  /** The object's four items; its tag. */
  readonly items?: (items: Cbor[]) => Cbor[];
  readonly tag?: number;
  readonly keepsProof?: true;
}

/** A token like this one but for the changes, signed anew unless it keeps its proof. */
function changed(token: Uint8Array, changes: Changes): Uint8Array {
  const decoded = decode(token);
  const vouched = decoded.ok && decoded.value instanceof Tagged && vouchedOf(decoded.value.value);
  if (!vouched) throw new Error("no token");
  const { kid, content, proof } = vouched.object;
  const claims = decode(content);
  if (!claims.ok || !(claims.value instanceof Map)) throw new Error("no claims");
  for (const [label, value] of changes.claims ?? []) {
    if (value === undefined) claims.value.delete(label);
    else claims.value.set(label, value);
  }
  const { voucher = { alg: EDDSA, signer } } = changes;
  const object = vouch(crypto, { voucher, payload: encode(claims.value), ...(kid && { kid }) });
  const made = (object.value as Cbor[]).slice();
  if (changes.keepsProof) made[3] = proof as Uint8Array;
  const items = changes.items?.(made) ?? made;
  return encode(new Tagged(61, new Tagged(changes.tag ?? object.tag, items)));
}

const scopeOf = (...entries: Cbor[]): Uint8Array => encode(entries);
const PUBLIC_AS_SECRET: Voucher = { alg: HMAC_256_256, secret: signer.publicKey };
const HIMSELF: Voucher = { alg: EDDSA, signer: memberSigner(1) };

const OF_ANOTHER = "another's client id";

/** What is wrong with a token wherever it is shown, and the name of that. */
const BAD: readonly (readonly [what: string, changes: Changes, name: string])[] = [
  ["a signature as a MAC", { tag: 17 }, "forged"],
  ["the public key as a MAC's secret", { voucher: PUBLIC_AS_SECRET }, "forged"],
  [
    "another algorithm said",
    { items: ([, ...rest]) => [encode(new Map([[1, HMAC_256_256]])), ...rest] },
    "forged",
  ],
  ["no algorithm", { items: ([, ...rest]) => [h("a0"), ...rest] }, "malformed"],
  ["no signature", { items: (items) => items.slice(0, 3) }, "malformed"],
  ["another audience", { claims: [[3, "moon"]] }, "audience"],
  ["another issuer, with this one's key", { claims: [[1, "moon"]] }, "untrusted"],
  ["an expiry that is past", { claims: [[EXP, NOW]] }, "expired"],
  ["an expiry that is negative", { claims: [[EXP, -1]] }, "malformed"],
  ["an expiry with a fraction", { claims: [[EXP, NOW + 0.5]] }, "malformed"],
  ["an expiry in words", { claims: [[EXP, "never"]] }, "malformed"],
  ["an expiry that is nothing", { claims: [[EXP, null]] }, "malformed"],
  ["issued at no time", { claims: [[6, undefined]] }, "malformed"],
  ["no scope", { claims: [[SCOPE, undefined]] }, "malformed"],
  ["a scope of nothing", { claims: [[SCOPE, scopeOf()]] }, "malformed"],
  ["a level that there is not", { claims: [[SCOPE, scopeOf([1, 6, SENDER])]] }, "malformed"],
  ["a level below none", { claims: [[SCOPE, scopeOf([1, -1, SENDER])]] }, "malformed"],
  [
    "a group with two levels",
    { claims: [[SCOPE, scopeOf([1, 1, SENDER], [1, 5, SENDER])]] },
    "malformed",
  ],
  ["its level raised", { claims: [[SCOPE, scopeOf([1, 5, SENDER])]], keepsProof: true }, "forged"],
  [
    "its level raised, and signed by whom it is for",
    { claims: [[SCOPE, scopeOf([1, 5, SENDER])]], voucher: HIMSELF },
    "forged",
  ],
  ["its end put off", { claims: [[EXP, undefined]], keepsProof: true }, "forged"],
  ["issued later than it was", { claims: [[6, NOW + 99]], keepsProof: true }, "forged"],
  [OF_ANOTHER, { claims: [[2, h("63")]], keepsProof: true }, "forged"],
];

test("bad tokens at the KDC, for keys: refused by name, nobody gets in", () => {
  const kdc = new Kdc();
  const token = kdc.token(1, ALL, 600);
  const keys = (shown: Uint8Array) => {
    const question = {
      token: shown,
      wanted: [1],
      credential: h(""),
      incarnation: new Uint8Array(8),
    };
    return kdc.say(1, "keys", { format: 60, payload: emitQuestion(question) });
  };
  for (const [what, changes, name] of BAD) {
    const { response, refused } = keys(changed(token, changes));
    equal([refused, response.payload], [name, undefined], what);
    logged("keys", name);
  }
  const another = changed(token, { claims: [[8, new Map<Cbor, Cbor>([[3, h("c2")]])]] });
  equal(outcome(keys(another)), "4.01 holder", "another device's proof key");
  const elsewhere = changed(token, { claims: [[SCOPE, scopeOf([2, 2, SENDER])]] });
  equal(outcome(keys(elsewhere)), "4.03 scope");
  equal([kdc.group.epoch, kdc.run((rows) => members.keys(rows))], [0, []]);
  equal(outcome(keys(token)), "2.05");
  const newer = changed(token, { claims: [[6, NOW + 1]] });
  equal([outcome(keys(newer)), outcome(keys(token))], ["2.05", "4.01 older"]);
});

test("bad tokens at the Group Manager: refused by name, and no challenge", () => {
  const kdc = new Kdc({ profile: "group-oscore" });
  const token = kdc.token(1, ALL, 600);
  const show = (payload: Uint8Array) => kdc.say(1, "authz-info", { format: 61, payload });
  for (const [what, changes, name] of BAD) {
    const { response, refused } = show(changed(token, changes));
    equal([refused, response.payload], [name, undefined], what);
    logged("authz-info", name);
  }
  equal(outcome(kdc.get(1, "ace-group/9")), "4.01 token", "as before");
  const another = changed(token, { claims: [[8, new Map<Cbor, Cbor>([[3, h("c2")]])]] });
  equal(outcome(show(another)), "4.01 holder");
  equal(outcome(show(token)), "2.01");
  const newer = changed(token, { claims: [[6, NOW + 1]] });
  equal([outcome(show(newer)), outcome(show(token))], ["2.01", "4.01 older"]);
});

test("bad tokens at a luminaire: refused by name, no level rises", () => {
  const kdc = new Issuer();
  const holder = new Holder(kdc);
  holder.giveSealing();
  const token = kdc.token({ expiresAt: NOW + 600 });
  const state = () => [holder.level(), holder.level(SWITCH, null), holder.keyIds];
  for (const before of [
    [0, 0, []],
    [2, 0, [1]],
  ]) {
    for (const [what, changes, name] of BAD) {
      // What is past is past for whoever has seen the time.
      holder.trust.see(NOW);
      equal(holder.tokens.present(changed(token, changes)), name, what);
      equal(state(), before, what);
    }
    const envelope = kdc.token({ sealedFor: h("08"), issuedAt: NOW + 1 });
    equal(holder.tokens.present(envelope), "envelope", "made for another");
    equal(state(), before);
    equal([holder.tokens.present(token), ...state()], [undefined, 2, 0, [1]]);
  }
  const less: Scope = [{ ...ROLES[0], level: 1 }];
  equal(holder.tokens.present(kdc.token({ scope: less, issuedAt: NOW + 1 })), undefined);
  equal([holder.tokens.present(token), holder.level()], ["older", 1]);
  const other = { signer: memberSigner(1), issuedAt: NOW + 2 };
  equal([holder.tokens.present(kdc.token(other)), holder.level()], ["forged", 1]);
  equal(toHex(KDC_KID), "a5", "under the KDC's name");
});

test("bad tokens shown to a device: its log has the name, its answer has not", () => {
  const place = new Managed();
  const lamp = place.device(1, ROLE.LUMINAIRE);
  place.pass(20);
  place.push(1, () => ({ ...place.rightsOf(2), tokens: [] }));
  place.pass(5);
  const good = place.kdc.token({ subject: Uint8Array.of(2), expiresAt: NOW + 600 });
  const show = (payload: Uint8Array) => {
    // What is shown has its ration.
    place.pass(2);
    return lamp.device.channels?.handle({
      ...{ from: { by: "dtls", id: "00" }, method: 2, path: ["authz-info"], query: [] },
      ...{ format: undefined, payload },
    });
  };
  for (const [what, changes, name] of BAD) {
    equal(show(changed(good, changes)), { code: 0x81 }, what);
    // What no signature is needed for is told first: the envelope is another's.
    const told = what === OF_ANOTHER ? "envelope" : name;
    equal([lamp.log.at(-1), lamp.device.rights.count], [`token refused: ${told}`, 0], what);
  }
  equal([show(good)?.code, lamp.device.rights.count], [0x41, 1]);
});

/** A refusal of this name is an entry of the log. */
function logged(path: string, name: string): void {
  const note = new Refusals().due(ask({ path }), name);
  equal(note?.what, `refused /${path}: ${name}`);
}
