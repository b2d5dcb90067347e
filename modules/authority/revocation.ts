/**
 * An AS tells a KDC whose tokens count no more (draft-somaraju §5.5, step 1), where they are two
 * programs: COSE_Sign1 or COSE_Mac0 over `{1: iss, 2: client id, 3: aud, 6: iat}`, POST to
 * `/revoke`. It is vouched for with the key that the AS's tokens are, so it does not matter who
 * brings it, or how often; there is no taking it back.
 */
import type { TrustAnchor } from "../access/token.js";
import { fault, type Verdict } from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { decodeMap } from "../cbor/containers.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { isVouched, vouch, vouchedOf } from "../cose/vouched.js";
import type { Crypto } from "../ports/crypto.js";
import type { Issuer } from "./server.js";

// Claims of RFC 8392 §3.1.
const ISS = 1;
const SUB = 2;
const AUD = 3;
const IAT = 6;
const FIELDS = 4;

export interface Revocation {
  readonly issuer: string;
  readonly clientId: Uint8Array;
  readonly audience: string;
  /** Unix seconds. */
  readonly issuedAt: number;
}

export function emitRevocation(issuer: Issuer, said: Omit<Revocation, "issuer">): Uint8Array {
  const payload = encode(
    new Map<Cbor, Cbor>([
      [ISS, issuer.name],
      [SUB, said.clientId],
      [AUD, said.audience],
      [IAT, said.issuedAt],
    ]),
  );
  const { crypto, voucher, kid } = issuer;
  return encode(vouch(crypto, { voucher, kid, payload }));
}

/** What one of these anchors vouches for, and meant for this KDC. */
export function readRevocation(
  crypto: Pick<Crypto, "hmac" | "signatures">,
  bytes: Uint8Array,
  rules: { anchors: readonly TrustAnchor[]; audience: string },
): Verdict<Revocation> {
  const outer = decode(bytes, { depthMax: 4, itemsMax: 16 });
  const vouched = outer.ok ? vouchedOf(outer.value) : undefined;
  const said = vouched && parse(vouched.object.content);
  if (vouched === undefined || said === undefined) return fault("malformed");
  const { kid } = vouched.object;
  const anchor = rules.anchors.find((one) => {
    return one.issuer === said.issuer && kid !== undefined && equalBytes(one.kid, kid);
  });
  if (anchor === undefined) return fault("untrusted");
  if (!isVouched(crypto, vouched, anchor)) return fault("forged"); // check: revocation-vouched
  if (said.audience !== rules.audience) return fault("audience"); // check: revocation-audience
  return { ok: true, value: said };
}

function parse(bytes: Uint8Array): Revocation | undefined {
  const map = decodeMap(bytes, { depthMax: 1, itemsMax: 16 });
  if (map === undefined) return undefined;
  // A token has more claims: it is not taken for a revocation of its holder.
  if (map.size !== FIELDS) return undefined; // check: revocation-form
  const [issuer, clientId] = [map.get(ISS), map.get(SUB)];
  const [audience, issuedAt] = [map.get(AUD), map.get(IAT)];
  if (typeof issuer !== "string" || typeof audience !== "string") return undefined;
  if (!(clientId instanceof Uint8Array) || typeof issuedAt !== "number") return undefined;
  return { issuer, clientId, audience, issuedAt };
}
