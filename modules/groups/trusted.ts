/**
 * A Key Distribution Center as CBOR: as the one before it names it (hand-over), and as a device
 * keeps it in flash. Maps of `{1: issuer, 2: kid, 3: public key, 4: audience, 5: how many
 * hand-overs there were}`, and, where the device is to talk with another program from then on, 6:
 * the credential of their channel, 7: where it is, 8: where its Authorization Server is; endpoints
 * are `[address, port]`.
 *
 * The credential is `[identity, pre-shared key]`; on its way it lies in a COSE_Encrypt0 under the
 * key of the channel that it comes through, for the public key it goes with.
 */

import { equalBytes } from "../bytes/equal.js";
import { decodeMap } from "../cbor/containers.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { type EnvelopeKey, envelopeKeyId, openEnvelope, sealEnvelope } from "../cose/envelope.js";
import type { Endpoint } from "../ports/datagram.js";

export interface Trusted {
  readonly issuer: string;
  /** The name of its key. */
  readonly kid: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** What tokens for receivers of this place say: the domain. */
  readonly audience: string;
}

/** How a device and its KDC talk: DTLS with a pre-shared key. */
export interface KdcChannel {
  readonly identity: Uint8Array;
  readonly psk: Uint8Array;
  readonly center: Endpoint;
  /** Of its Authorization Server; undefined: there is none. */
  readonly server: Endpoint | undefined;
}

/** As a device keeps it. */
export interface TrustRecord {
  readonly trusted: Trusted;
  readonly count: number;
  /** Undefined: as before, where the issuer stays; else nobody's. */
  readonly channel: KdcChannel | undefined;
}

const ISSUER = 1;
const KID = 2;
const PUBLIC_KEY = 3;
const AUDIENCE = 4;
const COUNT = 5;
const CREDENTIAL = 6;
const CENTER = 7;
const SERVER = 8;

const LIMITS = { depthMax: 4, itemsMax: 48 };
const PUBLIC_KEY_BYTES = 32;
const IDENTITY_BYTES_MAX = 64;
const PSK_BYTES_MIN = 16;
const PSK_BYTES_MAX = 64;

export function emitRecord({ trusted, count, channel }: TrustRecord): Uint8Array {
  const credential = channel && [channel.identity, channel.psk];
  return encode(mapOf({ trusted, count, channel }, credential));
}

/** What is signed; `under` and `nonce` as sealEnvelope's, for the channel's credential. */
export function emitStatement(
  record: TrustRecord,
  sealed: { under: EnvelopeKey; nonce: Uint8Array } | undefined,
): Uint8Array {
  const { trusted, channel } = record;
  if (channel === undefined || sealed === undefined) return encode(mapOf(record, undefined));
  const plain = encode([channel.identity, channel.psk]);
  const envelope = sealEnvelope({ ...sealed, plain, externalAad: trusted.publicKey });
  plain.fill(0);
  return encode(mapOf(record, envelope));
}

function mapOf({ trusted, count, channel }: TrustRecord, credential: Cbor | undefined) {
  const { issuer, kid, publicKey, audience } = trusted;
  const map = new Map<Cbor, Cbor>([
    [ISSUER, issuer],
    [KID, kid],
    [PUBLIC_KEY, publicKey],
    [AUDIENCE, audience],
    [COUNT, count],
  ]);
  if (channel === undefined || credential === undefined) return map;
  const { center, server } = channel;
  map.set(CREDENTIAL, credential).set(CENTER, [center.address, center.port]);
  if (server !== undefined) map.set(SERVER, [server.address, server.port]);
  return map;
}

/** A statement that was read, its credential not opened yet. */
export interface Statement {
  readonly trusted: Trusted;
  readonly count: number;
  readonly sealed: { readonly credential: Cbor; readonly places: Places } | undefined;
}

type Places = Pick<KdcChannel, "center" | "server">;

/** Undefined for whatever is neither a statement nor a record. */
export function parseStatement(bytes: Uint8Array): Statement | undefined {
  const map = decodeMap(bytes, LIMITS);
  if (map === undefined) return undefined;
  const [issuer, kid, publicKey] = [map.get(ISSUER), map.get(KID), map.get(PUBLIC_KEY)];
  const [audience, count] = [map.get(AUDIENCE), map.get(COUNT)];
  if (typeof issuer !== "string" || typeof audience !== "string") return undefined;
  if (!(kid instanceof Uint8Array) || !(publicKey instanceof Uint8Array)) return undefined;
  if (publicKey.length !== PUBLIC_KEY_BYTES) return undefined;
  const isCount = typeof count === "number" && Number.isInteger(count) && count >= 0;
  if (!isCount) return undefined;
  const trusted = { issuer, kid, publicKey, audience };
  const credential = map.get(CREDENTIAL);
  if (credential === undefined) {
    return map.size === COUNT ? { trusted, count, sealed: undefined } : undefined;
  }
  const [center, server] = [endpointOf(map.get(CENTER)), endpointOf(map.get(SERVER))];
  const isWhole = map.size === (map.has(SERVER) ? SERVER : CENTER);
  const hasPlaces = center !== undefined && map.has(SERVER) === (server !== undefined);
  if (!isWhole || !hasPlaces) return undefined;
  return { trusted, count, sealed: { credential, places: { center, server } } };
}

/** What `emitRecord` wrote. */
export function parseRecord(bytes: Uint8Array): TrustRecord | undefined {
  const statement = parseStatement(bytes);
  if (statement === undefined) return undefined;
  const { trusted, count, sealed } = statement;
  if (sealed === undefined) return { trusted, count, channel: undefined };
  const channel = channelOf(sealed.credential, sealed.places);
  return channel && { trusted, count, channel };
}

/** The channel of a statement, opened; undefined where `under` does not. */
export function openChannel(
  { trusted, sealed }: Statement,
  under: EnvelopeKey | undefined,
): KdcChannel | undefined {
  if (sealed === undefined || under === undefined) return undefined;
  const { credential, places } = sealed;
  const kid = envelopeKeyId(credential);
  if (kid === undefined || !equalBytes(kid, under.kid)) return undefined;
  const plain = openEnvelope(credential, { key: under.key, externalAad: trusted.publicKey });
  const decoded = plain && decode(plain, LIMITS);
  const channel = decoded?.ok ? channelOf(decoded.value, places) : undefined;
  plain?.fill(0);
  return channel;
}

function channelOf(credential: Cbor, places: Places): KdcChannel | undefined {
  if (!Array.isArray(credential) || credential.length !== 2) return undefined;
  const [identity, psk] = credential;
  if (!(identity instanceof Uint8Array) || !(psk instanceof Uint8Array)) return undefined;
  const isName = identity.length >= 1 && identity.length <= IDENTITY_BYTES_MAX;
  const isKey = psk.length >= PSK_BYTES_MIN && psk.length <= PSK_BYTES_MAX;
  return isName && isKey ? { identity: identity.slice(), psk: psk.slice(), ...places } : undefined;
}

function endpointOf(value: Cbor | undefined): Endpoint | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [address, port] = value;
  if (!(address instanceof Uint8Array) || typeof port !== "number") return undefined;
  const isAddress = address.length === 4 || address.length === 16;
  const isPort = Number.isInteger(port) && port > 0 && port <= 0xffff;
  return isAddress && isPort ? { address, port } : undefined;
}
