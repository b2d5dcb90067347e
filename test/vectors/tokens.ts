/**
 * Tokens, as somebody else's COSE made them (tokens.py), and the examples of RFC 8392: issued here
 * they are the same bytes, read here they say the same; what is wrong with one has its name.
 */
import { type Claims, parseClaims } from "../../modules/access/claims.js";
import type { Scope, ScopeEntry } from "../../modules/access/scope.js";
import { issueToken, type TrustAnchor, verifyToken } from "../../modules/access/token.js";
import { envelopeAad } from "../../modules/authority/distribution.js";
import { signTime } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode, Tagged } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { openEnvelope, sealEnvelope } from "../../modules/cose/envelope.js";
import { HMAC_256_256, type Voucher, vouchedData, vouchedOf } from "../../modules/cose/vouched.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import { AES_CCM_16_64_128, EDDSA } from "../../modules/ports/crypto.js";
import { bytes, type Derivations, differs, type Fields } from "./derived.js";

/** A key of the file's context: whoever vouches, or what an envelope is sealed under. */
interface Key {
  readonly issuer: string;
  readonly kid: string;
  readonly alg: string;
  readonly seed: string;
  readonly public: string;
  readonly secret: string;
  readonly key: string;
}

/** A claims set as the file writes it. */
interface Said {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly exp?: number;
  readonly iat: number;
  readonly cti: string;
  readonly kid?: string;
  readonly key?: string;
  readonly scope: readonly [number | null, ScopeEntry["level"], number][];
  readonly group?: string;
  readonly envelope?: string;
}

interface Rules {
  readonly anchors: readonly string[];
  readonly audience: string;
  readonly now: number;
  readonly mustExpire?: boolean;
}

type Positive = (fields: Fields, keys: Keys) => string | undefined;
type Keys = Readonly<Record<string, Key>>;

export const tokenDerivations: Derivations = {
  positive(fields, context) {
    const check = KINDS[fields.kind as string];
    return check === undefined ? `what is ${fields.kind}?` : check(fields, context as Keys);
  },
  negative(fields, context, positive) {
    const flip = fields.flip as { of: string; bit: number } | undefined;
    const token = bytes(flip === undefined ? fields.datagram : positive(flip.of).output);
    if (flip !== undefined) token[flip.bit >> 3] ^= 1 << (flip.bit & 7);
    const verdict = verdictOn(token, fields.rules as Rules, context as Keys);
    if (verdict.ok) return "accepted";
    if (flip !== undefined || verdict.fault === fields.expect) return undefined;
    return `refused as ${verdict.fault}, expected ${fields.expect}`;
  },
};

const KINDS: Readonly<Record<string, Positive>> = {
  token(fields, keys) {
    const claims = claimsOf(fields.claims as Said);
    const crypto = newCrypto();
    const by = keys[fields.by as string];
    const issued = issueToken(crypto, { claims, voucher: voucherOf(by), kid: fromHex(by.kid) });
    const verdict = verdictOn(bytes(fields.output), fields.rules as Rules, keys);
    if (!verdict.ok) return `refused as ${verdict.fault}`;
    const read = issueToken(crypto, {
      ...{ claims: verdict.value, voucher: voucherOf(by), kid: fromHex(by.kid) },
    });
    return differs(issued, fields.output) ?? differs(read, fields.output) ?? sealed(fields, keys);
  },
  time(fields, keys) {
    const by = keys[fields.by as string];
    const crypto = newCrypto();
    const issuer = { crypto, name: by.issuer, voucher: voucherOf(by), kid: fromHex(by.kid) };
    const signed = signTime(issuer, { now: fields.now as number, nonce: bytes(fields.nonce) });
    return signed === undefined ? "no time" : differs(signed, fields.output);
  },
  rfc8392(fields) {
    const decoded = decode(bytes(fields.output));
    if (!decoded.ok || !(decoded.value instanceof Tagged)) return "not decoded";
    const { tag, value } = decoded.value;
    const object = tag === 61 ? (value as Tagged) : decoded.value;
    // Their claims are text where ours are ids: the objects are judged, the claims refused.
    const isOurs = parseClaims(bytes(fields.content)) !== undefined;
    return isOurs
      ? "these claims are none of ours"
      : EXAMPLES[fields.alg as string](fields, object);
  },
};

const EXAMPLES: Readonly<Record<string, (fields: Fields, object: Tagged) => string | undefined>> = {
  ES256(fields, object) {
    const { data, proof, payload } = vouchedParts(object, "Signature1");
    const isGenuine = new NobleP256().verify({
      data,
      signature: proof,
      publicKey: bytes(fields.key),
    });
    return isGenuine ? differs(payload, fields.content) : "the signature does not verify";
  },
  "HMAC 256/64"(fields, object) {
    const { data, proof, payload } = vouchedParts(object, "MAC0");
    const mac = new TsCrypto().hmac({ key: bytes(fields.key), data }).subarray(0, 8);
    return differs(mac, toHex(proof)) ?? differs(payload, fields.content);
  },
  "AES-CCM-16-64-128"(fields, object) {
    const key = new TsCrypto().aeadKey(AES_CCM_16_64_128, bytes(fields.key));
    const plain = openEnvelope(object.value, { key, externalAad: new Uint8Array(0) });
    return plain === undefined ? "does not open" : differs(plain, fields.content);
  },
};

function vouchedParts(object: Tagged, context: "Signature1" | "MAC0") {
  const vouched = vouchedOf(object);
  if (vouched?.object.proof === undefined) throw new Error("nobody vouches for it");
  const { protectedHeader: bodyProtected, content: payload, proof } = vouched.object;
  return { data: vouchedData({ context, bodyProtected, payload }), proof, payload };
}

/** The key in an AT-R's envelope: sealed here it is the same, opened here as well. */
function sealed(fields: Fields, keys: Keys): string | undefined {
  if (fields.under === undefined) return undefined;
  const { group = "", sub, envelope } = fields.claims as Said;
  const { kid, key: raw } = keys[fields.under as string];
  const key = newCrypto().aeadKey(AES_CCM_16_64_128, fromHex(raw));
  const externalAad = envelopeAad(fromHex(group), fromHex(sub));
  const plain = bytes(fields.plain);
  const under = { kid: fromHex(kid), key };
  const made = sealEnvelope({ under, nonce: bytes(fields.nonce), plain, externalAad });
  const opened = openEnvelope(cborOf(envelope), { key, externalAad });
  if (opened === undefined) return "the envelope does not open";
  return differs(encode(made), envelope) ?? differs(opened, fields.plain);
}

function verdictOn(token: Uint8Array, rules: Rules, keys: Keys) {
  const { audience, now: nowSeconds, mustExpire = false } = rules;
  const anchors = rules.anchors.map((name) => anchorOf(keys[name]));
  return verifyToken(newCrypto(), token, { anchors, audience, nowSeconds, mustExpire });
}

function newCrypto(): TsCrypto {
  return new TsCrypto(new NobleSignatures());
}

function anchorOf(key: Key): TrustAnchor {
  const { issuer, kid } = key;
  const named = { issuer, kid: fromHex(kid) };
  return key.alg === "EdDSA"
    ? { ...named, alg: EDDSA, publicKey: fromHex(key.public) }
    : { ...named, alg: HMAC_256_256, secret: fromHex(key.secret) };
}

function voucherOf({ alg, seed, secret }: Key): Voucher {
  return alg === "EdDSA"
    ? { alg: EDDSA, signer: new NobleSignatures().signer(fromHex(seed)) }
    : { alg: HMAC_256_256, secret: fromHex(secret) };
}

function claimsOf(said: Said): Claims {
  const scope: Scope = said.scope.map(([appGroup, level, roles]) => ({ appGroup, level, roles }));
  return {
    ...{ issuer: said.iss, subject: fromHex(said.sub), audience: said.aud },
    ...(said.exp === undefined ? {} : { expiresAt: said.exp }),
    ...{ issuedAt: said.iat, id: fromHex(said.cti), scope },
    ...(said.kid === undefined ? {} : { confirmation: { kid: fromHex(said.kid) } }),
    ...(said.key === undefined
      ? {}
      : { confirmation: { key: cborOf(said.key) as Map<Cbor, Cbor> } }),
    ...(said.group === undefined ? {} : { securityGroup: fromHex(said.group) }),
    ...(said.envelope === undefined ? {} : { envelope: cborOf(said.envelope) }),
  };
}

function cborOf(hex: string | undefined): Cbor {
  const decoded = decode(fromHex(hex ?? ""));
  if (!decoded.ok) throw new Error("no CBOR");
  return decoded.value;
}
