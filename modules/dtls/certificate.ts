/**
 * X.509 certificates (RFC 5280) in the profile of RFC 7925 §4.4: P-256 keys, ECDSA with SHA-256, a
 * chain that ends in a pinned certificate. What is critical and not understood here refuses the
 * certificate; policies, name constraints and revocation lists are not understood.
 */
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { fromUtf8 } from "../bytes/utf8.js";
import type { P256 } from "../ports/crypto.js";
import {
  DER,
  type DerValue,
  derInside,
  derValues,
  explicitTag,
  pointOf,
  rawSignature,
} from "./der.js";
import { ALERTS } from "./numbers.js";

export interface Certificate {
  /** TBSCertificate: what is signed. */
  readonly signed: Uint8Array;
  /** r ‖ s, 64 bytes. */
  readonly signature: Uint8Array;
  /** Names in DER: compared as bytes. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** 65 bytes. */
  readonly publicKey: Uint8Array;
  /** Unix times, both included. */
  readonly notBeforeSeconds: number;
  readonly notAfterSeconds: number;
  readonly isAuthority: boolean;
  /** Authorities that may follow below; undefined: any number. */
  readonly pathLength: number | undefined;
  /** Bits of keyUsage, digitalSignature 0x80 and keyCertSign 0x04; undefined: any. */
  readonly usage: number | undefined;
  /** extKeyUsage in hex; undefined: any. */
  readonly purposes: readonly string[] | undefined;
  /** dNSNames of subjectAltName; without that extension the subject's common name. */
  readonly names: readonly string[];
}

/** Object identifiers, their contents in hex. */
const ECDSA_WITH_SHA256 = "2a8648ce3d040302";
const COMMON_NAME = "550403";
const KEY_USAGE = "551d0f";
const SUBJECT_ALT_NAME = "551d11";
const BASIC_CONSTRAINTS = "551d13";
const EXTENDED_KEY_USAGE = "551d25";
const ANY_PURPOSE = "551d2500";
const PURPOSES = Object.freeze({ server: "2b06010505070301", client: "2b06010505070302" });
const NAMES_MAX = 8;
const USAGE_DIGITAL_SIGNATURE = 0x80;
const USAGE_CERT_SIGN = 0x04;
/** dNSName of GeneralName. */
const DNS_NAME = 0x82;

/** Undefined for whatever is not such a certificate, version 3. */
export function parseCertificate(der: Uint8Array): Certificate | undefined {
  const outer = derInside(der, DER.sequence);
  if (outer?.length !== 3) return undefined;
  const [body, algorithm, bits] = outer;
  if (!isEcdsa(algorithm) || bits.tag !== DER.bitString || bits.content[0] !== 0) return undefined;
  const signature = rawSignature(bits.content.subarray(1));
  const fields = body.tag === DER.sequence ? derValues(body.content) : undefined;
  if (signature === undefined || fields === undefined || fields.length < 7) return undefined;
  const [version, , inner, issuer, validity, subject, key, ...rest] = fields;
  // Version 3 is [0] INTEGER 2.
  if (toHex(version.whole) !== "a003020102" || !isEcdsa(inner)) return undefined;
  const publicKey = pointOf(key.whole);
  const times = derValues(validity.content)?.map(timeOf);
  const extensions = rest.find(({ tag }) => tag === explicitTag(3));
  const [notBefore, notAfter] = times ?? [];
  if (publicKey === undefined || notBefore === undefined || notAfter === undefined)
    return undefined;
  const traits = traitsOf(extensions);
  if (traits === undefined) return undefined;
  const { names, ...others } = traits;
  return {
    signed: body.whole,
    signature,
    issuer: issuer.whole,
    subject: subject.whole,
    publicKey,
    notBeforeSeconds: notBefore,
    notAfterSeconds: notAfter,
    ...others,
    names: names ?? commonNames(subject),
  };
}

function isEcdsa(algorithm: DerValue): boolean {
  const values = algorithm.tag === DER.sequence ? derValues(algorithm.content) : undefined;
  return values?.length === 1 && toHex(values[0].content) === ECDSA_WITH_SHA256;
}

type Traits = Pick<Certificate, "isAuthority" | "pathLength" | "usage" | "purposes"> & {
  readonly names: readonly string[] | undefined;
};

function traitsOf(extensions: DerValue | undefined): Traits | undefined {
  const list = extensions === undefined ? [] : derInside(extensions.content, DER.sequence);
  if (list === undefined) return undefined;
  let traits: Traits = {
    isAuthority: false,
    pathLength: undefined,
    usage: undefined,
    purposes: undefined,
    names: undefined,
  };
  const seen: string[] = [];
  for (const { content } of list) {
    const parts = derValues(content);
    if (parts === undefined || parts.length < 2 || parts.length > 3) return undefined;
    const name = toHex(parts[0].content);
    const isCritical = parts.length === 3;
    // DER says what is so in one way, and not what is the default (X.690 §11.1, §11.5).
    if (isCritical && !isTrue(parts[1])) return undefined; // check: der-boolean
    if (seen.includes(name)) return undefined; // check: certificate-extension-twice
    seen.push(name);
    const more = understood(name, parts[parts.length - 1].content);
    if (more === null) return undefined;
    if (more === undefined && isCritical) return undefined; // check: certificate-critical
    traits = { ...traits, ...more };
  }
  return traits;
}

function isTrue({ tag, content }: DerValue): boolean {
  return tag === DER.boolean && content.length === 1 && content[0] === 0xff;
}

/** What an extension says; undefined for one not known, null for one malformed. */
function understood(name: string, value: Uint8Array): Partial<Traits> | undefined | null {
  if (name === BASIC_CONSTRAINTS) {
    const parts = derInside(value, DER.sequence);
    if (parts === undefined || parts.length > 2) return null;
    const isAuthority = parts[0]?.tag === DER.boolean;
    if (isAuthority && !isTrue(parts[0])) return null;
    const path = parts.find(({ tag }) => tag === DER.integer);
    if (path !== undefined && path.content.length !== 1) return null;
    return { isAuthority, pathLength: path?.content[0] };
  }
  if (name === KEY_USAGE) {
    const bits = derValues(value);
    if (bits?.length !== 1 || bits[0].tag !== DER.bitString) return null;
    return { usage: bits[0].content[1] ?? 0 };
  }
  if (name === EXTENDED_KEY_USAGE) {
    const purposes = derInside(value, DER.sequence);
    return purposes === undefined ? null : { purposes: purposes.map((one) => toHex(one.content)) };
  }
  if (name === SUBJECT_ALT_NAME) {
    const all = derInside(value, DER.sequence);
    if (all === undefined) return null;
    const texts = all.filter(({ tag }) => tag === DNS_NAME).map(({ content }) => fromUtf8(content));
    return { names: texts.filter((text) => text !== undefined).slice(0, NAMES_MAX) };
  }
  return undefined;
}

function commonNames(subject: DerValue): string[] {
  const names: string[] = [];
  for (const { content } of derValues(subject.content) ?? []) {
    for (const attribute of derValues(content) ?? []) {
      const [type, value] = derValues(attribute.content) ?? [];
      if (type === undefined || value === undefined) continue;
      const isText = value.tag === DER.utf8String || value.tag === DER.printableString;
      if (!isText || toHex(type.content) !== COMMON_NAME) continue;
      const text = fromUtf8(value.content);
      if (text !== undefined && names.length < NAMES_MAX) names.push(text);
    }
  }
  return names;
}

/** Unix seconds of a UTCTime or GeneralizedTime (RFC 5280 §4.1.2.5); undefined when malformed. */
function timeOf({ tag, content }: DerValue): number | undefined {
  const yearDigits = tag === DER.utcTime ? 2 : tag === DER.generalizedTime ? 4 : 0;
  if (yearDigits === 0 || content.length !== yearDigits + 11) return undefined;
  if (content[content.length - 1] !== 0x5a) return undefined;
  const numbers: number[] = [];
  for (let at = 0; at < content.length - 1; ) {
    const digits = at === 0 ? yearDigits : 2;
    let value = 0;
    for (const end = at + digits; at < end; at++) {
      const digit = content[at] - 0x30;
      if (!(digit >= 0 && digit <= 9)) return undefined;
      value = value * 10 + digit;
    }
    numbers.push(value);
  }
  const [year, month, day, hours, minutes, seconds] = numbers;
  const full = yearDigits === 4 ? year : year < 50 ? 2000 + year : 1900 + year;
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  return ((daysOf(full, month, day) * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** Days since 1 January 1970; years begin in March, so that leap days end them. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leaps = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return 365 * shifted + leaps + dayOfYear - 719468;
}

/**
 * The first certificate of a chain that ends in one of `anchors`, valid as long as all of it; or
 * the alert that says why there is none (RFC 5280 §6.1, RFC 5246 §7.2.2). `purpose`: what the peer
 * is. An anchor may be the peer's own certificate.
 */
export function verifyChain(input: {
  readonly chain: readonly Uint8Array[];
  readonly anchors: readonly Uint8Array[];
  readonly purpose: "server" | "client";
  readonly p256: P256;
  readonly nowSeconds: number | undefined;
  /** Whether it may be later than that. */
  readonly isLeast?: boolean;
}): Certificate | number {
  const { chain, anchors, purpose, p256, nowSeconds, isLeast = false } = input;
  const certificates: Certificate[] = [];
  for (const der of chain) {
    const certificate = parseCertificate(der);
    if (certificate === undefined) return ALERTS.badCertificate;
    if (!isValidNow(certificate)) return ALERTS.certificateExpired; // check: validity
    certificates.push(certificate);
  }
  const [own] = certificates;
  if (own === undefined) return ALERTS.badCertificate;
  if (!mayBe(own, purpose)) return ALERTS.unsupportedCertificate; // check: certificate-purpose
  let notAfterSeconds = own.notAfterSeconds;
  for (let below = 0; below < certificates.length; below++) {
    const one = certificates[below];
    notAfterSeconds = Math.min(notAfterSeconds, one.notAfterSeconds);
    const isPinned = anchors.some((anchor) => equalBytes(anchor, chain[below]));
    if (isPinned) return { ...own, notAfterSeconds };
    const issuer = anchors.map((anchor) => pinnedIssuer(anchor, one, below)).find(isThere);
    const end = Math.min(notAfterSeconds, issuer?.notAfterSeconds ?? 0);
    if (issuer !== undefined) return { ...own, notAfterSeconds: end };
    const next = certificates[below + 1];
    if (next === undefined) break;
    if (!issued(next, one, below)) return ALERTS.badCertificate; // check: chain-link
  }
  return ALERTS.unknownCa;

  function pinnedIssuer(anchor: Uint8Array, one: Certificate, below: number) {
    const issuer = parseCertificate(anchor);
    if (issuer === undefined || !issued(issuer, one, below)) return undefined;
    return isValidNow(issuer) ? issuer : undefined;
  }

  function isValidNow(certificate: Certificate): boolean {
    return nowSeconds === undefined || isValidAt(certificate, nowSeconds, isLeast);
  }

  /** Whether `issuer` may have authorities `below` it and did sign `one`. */
  function issued(issuer: Certificate, one: Certificate, below: number): boolean {
    if (!equalBytes(issuer.subject, one.issuer)) return false; // check: chain-name
    if (!issuer.isAuthority) return false; // check: chain-authority
    const { usage = USAGE_CERT_SIGN, pathLength = below, publicKey } = issuer;
    if ((usage & USAGE_CERT_SIGN) === 0) return false; // check: chain-usage
    if (below > pathLength) return false; // check: chain-path
    // Not of RFC 5280, but of all that issue: an authority for one purpose certifies no other.
    if (!isFor(issuer, purpose)) return false; // check: chain-purpose
    const { signed: data, signature } = one;
    const isSigned = p256.verify({ data, signature, publicKey });
    if (!isSigned) return false; // check: chain-signature
    return true;
  }
}

/** `isLeast`: it may be later than `seconds`. */
function isValidAt(
  { notBeforeSeconds, notAfterSeconds }: Certificate,
  seconds: number,
  isLeast: boolean,
): boolean {
  return (isLeast || notBeforeSeconds <= seconds) && seconds <= notAfterSeconds;
}

function isThere(certificate: Certificate | undefined): certificate is Certificate {
  return certificate !== undefined;
}

/** Whether it may sign handshakes, and as a server or a client. */
function mayBe({ usage, purposes }: Certificate, purpose: "server" | "client"): boolean {
  const signs = ((usage ?? USAGE_DIGITAL_SIGNATURE) & USAGE_DIGITAL_SIGNATURE) !== 0;
  return signs && isFor({ purposes }, purpose);
}

function isFor({ purposes }: Pick<Certificate, "purposes">, purpose: "server" | "client"): boolean {
  return purposes?.some((one) => one === PURPOSES[purpose] || one === ANY_PURPOSE) ?? true;
}
