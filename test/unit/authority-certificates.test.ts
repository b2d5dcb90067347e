/**
 * Groups whose manager keeps no credentials (draft-ietf-core-oscore-groupcomm-02 Appendix D.2): a
 * member shows a certificate, and others learn whose it is and where it can be had.
 */
import { popInput } from "../../modules/authority/groupcomm.js";
import { inGroup, members } from "../../modules/authority/records.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, Tagged } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { type Voucher, vouch } from "../../modules/cose/vouched.js";
import { EDDSA } from "../../modules/ports/crypto.js";
import { equal, test } from "../harness.js";
import { GROUP, parties } from "../support/authority.js";
import { cborMap, Kdc, mapIn, memberSigner, NOW, outcome } from "../support/kdc.js";

const h = fromHex;
const { crypto, signer } = parties();
const CA: Voucher = { alg: EDDSA, signer };
const CERTIFIER = { issuer: "ca", kid: h("ca"), alg: EDDSA, publicKey: signer.publicKey } as const;
const NONCE = h("0102030405060708");

/** A CWT with the key of member `at`, signed by the certifier. */
function certificate(at: number, changes: { voucher?: Voucher; claims?: [number, Cbor][] } = {}) {
  const key = new Map<Cbor, Cbor>([
    [1, 1],
    [-1, 6],
    [-2, memberSigner(at).publicKey],
  ]);
  const claims = new Map<Cbor, Cbor>([
    [1, "ca"],
    [2, utf8(`lamp ${at}`)],
    [8, new Map<Cbor, Cbor>([[1, key]])],
    ...(changes.claims ?? []),
  ]);
  const voucher = changes.voucher ?? CA;
  const object = vouch(crypto, { voucher, kid: h("ca"), payload: encode(claims) });
  return encode(new Tagged(61, object));
}

class Hall extends Kdc {
  constructor() {
    super({ profile: "group-oscore" }, { certifiers: [CERTIFIER] });
    this.set({ keepsCredentials: false });
  }

  join(at: number, shown: Uint8Array, more: [number, Cbor][] = [], by = at): string {
    const challenge = this.admit(at);
    const scope = encode(["9", 2]);
    const signature = memberSigner(by).sign(popInput(scope, challenge, NONCE));
    const payload = cborMap([3, scope], [5, shown], [6, NONCE], [24, signature], ...more);
    return outcome(this.say(at, "ace-group/9", { payload }));
  }
}

test("a certificate lets its owner in, and the manager remembers whose it is", () => {
  const hall = new Hall();
  const where: [number, Cbor] = [25, ["coap://keys.example/lamp", "coap://other.example/lamp"]];
  equal(hall.join(1, certificate(1), [where]), "2.01");
  equal(hall.join(2, certificate(2)), "2.01");
  const answer = mapIn(hall.get(1, "ace-group/9/creds").response.payload);
  equal(answer?.has(13), false, "no credentials");
  equal(answer?.get(15), [h("01"), h("02")]);
  equal(answer?.get(-70011), [utf8("lamp 1"), utf8("lamp 2")]);
  equal(answer?.get(25), [where[1], []]);
  const payload = cborMap([4, [true, [], [h("01")]]]);
  const one = mapIn(hall.say(2, "ace-group/9/creds", { method: 5, payload }).response.payload);
  equal(one?.get(-70011), [utf8("lamp 1")]);
});

test("a certificate that nobody vouches for, that is over, or another's, lets nobody in", () => {
  const own: Voucher = { alg: EDDSA, signer: memberSigner(1) };
  const join = (shown: Uint8Array, by = 1) => new Hall().join(1, shown, [], by);
  equal(join(certificate(1, { voucher: own })), "4.00 credential error 2", "signed by himself");
  equal(join(certificate(1, { claims: [[1, "cb"]] })), "4.00 credential error 2");
  equal(join(certificate(1, { claims: [[4, NOW]] })), "4.00 credential error 2", "over");
  equal(join(certificate(1, { claims: [[4, NOW + 1]] })), "2.01");
  equal(join(certificate(1, { claims: [[4, "never"]] })), "4.00 credential error 2");
  equal(join(certificate(1, { claims: [[2, "text"]] })), "4.00 credential error 2");
  equal(join(certificate(2), 1), "4.00 proof error 3", "another's");
  equal(join(h("00")), "4.00 credential error 2");
});

test("who leaves is forgotten with his subject", () => {
  const hall = new Hall();
  hall.join(1, certificate(1));
  hall.join(2, certificate(2));
  equal(outcome(hall.say(1, "ace-group/9/nodes/01", { method: 4 })), "2.02");
  const answer = mapIn(hall.get(2, "ace-group/9/creds").response.payload);
  equal(answer?.get(15), [h("02")]);
  equal(
    hall.run((rows) => members.get(rows, inGroup(GROUP, h("01")))),
    undefined,
  );
  equal(
    hall.run((rows) => rows.keys("subject", "").map((key) => key)),
    ["0000000009/02"],
  );
});
