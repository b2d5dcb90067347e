/** An authority for tests: AS and KDC with one key, and a place with one group. */
import { type Scope, SENDER } from "../../modules/access/scope.js";
import type { TrustAnchor } from "../../modules/access/token.js";
import type { Center } from "../../modules/authority/distribution.js";
import { createGroup } from "../../modules/authority/distribution.js";
import type { Rows } from "../../modules/authority/ledger.js";
import {
  applications,
  inGroup,
  members,
  NONE,
  newcomer,
  numberKey,
} from "../../modules/authority/records.js";
import type { Issuer } from "../../modules/authority/server.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import type { EnvelopeKey } from "../../modules/cose/envelope.js";
import { type Crypto, EDDSA, type Signer } from "../../modules/ports/crypto.js";
import type { SecureRequest } from "../../modules/secure/request.js";
import { providers } from "./providers.js";
import { SeededRandom } from "./random.js";

/** RFC 8032 §7.1, TEST 1. */
const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const KID = "a5";

/** The security group of `furnish`, and its application group. */
export const GROUP = 9;
export const APPLICATION = 1;

export const SCOPE: Scope = [{ appGroup: APPLICATION, level: 2, roles: SENDER }];

export const TERMS = {
  profile: "lowlatency",
  graceSeconds: 60,
  validitySeconds: NONE,
  messages: NONE,
  renewsOnJoin: false,
  renewsOnLeave: false,
};

export interface Parties {
  readonly crypto: Crypto;
  readonly signer: Signer;
  readonly as: Issuer;
  readonly asAnchor: TrustAnchor;
  readonly kdcAnchor: TrustAnchor;
}

export function parties(): Parties {
  const [{ crypto }] = providers();
  const { signatures } = crypto;
  if (signatures === undefined) throw new Error("the first provider signs");
  const signer = signatures.signer(fromHex(SEED));
  const kid = fromHex(KID);
  const as: Issuer = { crypto, name: "as", voucher: { alg: EDDSA, signer }, kid };
  const asAnchor = { issuer: "as", kid, alg: EDDSA, publicKey: signer.publicKey } as const;
  return { crypto, signer, as, asAnchor, kdcAnchor: { ...asAnchor, issuer: "kdc" } };
}

export function centerOf(seed = 7): Center {
  const { as, asAnchor, signer } = parties();
  return {
    ...as,
    name: "kdc",
    random: new SeededRandom(seed),
    anchors: [asAnchor],
    domain: "hall",
    managerCredential: claimsSetOf(signer.publicKey),
  };
}

/** A CWT Claims Set with an Ed25519 key (RFC 8747 §3.2). */
export function claimsSetOf(publicKey: Uint8Array): Uint8Array {
  const key = new Map<Cbor, Cbor>([
    [1, 1],
    [3, EDDSA],
    [-1, 6],
    [-2, publicKey],
  ]);
  return encode(new Map<Cbor, Cbor>([[8, new Map<Cbor, Cbor>([[1, key]])]]));
}

/** Makes the group and where it listens. */
export function furnish(rows: Rows, center: Center, terms = TERMS): void {
  createGroup(rows, center, GROUP, terms);
  const place = { name: "hall", group: GROUP, address: new Uint8Array(16), port: 5683 };
  applications.put(rows, numberKey(APPLICATION), place);
}

/** Puts so many members into it without asking anybody. */
export function crowd(rows: Rows, count: number): void {
  for (let at = 1; at <= count; at++) {
    members.put(rows, inGroup(GROUP, uintBytes(at)), { ...newcomer(), roles: SENDER });
  }
}

/** A question of the one that the channel shows; POST where nothing else is said. */
export function ask(
  said: Partial<Omit<SecureRequest, "from" | "path">> & {
    from?: string;
    by?: "dtls" | "oscore";
    path?: string;
    pairwise?: EnvelopeKey;
  },
): SecureRequest {
  const { from = "c1", by = "dtls", path = "token", pairwise, ...rest } = said;
  return {
    from: { by, id: from, ...(pairwise === undefined ? {} : { pairwise }) },
    method: 2,
    path: path.split("/"),
    query: [],
    format: 19,
    payload: new Uint8Array(0),
    ...rest,
  };
}
