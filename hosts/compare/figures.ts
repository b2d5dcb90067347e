/**
 * What every document says its protection adds to a request, computed by hand from its text for a
 * key id (Gid, Cid) of 3 bytes, ids and sequence numbers of 1 byte; and the most it may be. A
 * datagram that differs in one byte of one part makes `npm run compare` fail.
 */
import { type Part, total } from "./anatomy.js";

type Figures = Readonly<Record<string, number>>;

/** RFC 8613 §6.1 and §5.3: the option's head, flags, piv, kid; marker, code inside, tag. */
const OSCORE: Figures = Object.freeze({
  "option header": 1,
  flags: 1,
  piv: 1,
  kid: 1,
  marker: 1,
  code: 1,
  tag: 8,
});
/** The kid context with its length before it. */
const NAMED: Figures = Object.freeze({ s: 1, gid: 3 });
const SIGNED: Figures = Object.freeze({ ...OSCORE, ...NAMED, signature: 64 });
/** RFC 6347 §4.1. */
const RECORD: Figures = Object.freeze({
  type: 1,
  version: 2,
  epoch: 2,
  "sequence number": 6,
  length: 2,
});

export const FIGURES: Readonly<Record<string, Figures>> = Object.freeze({
  // WIRE.md; Application-Group-Id: delta 64992 in two bytes more, the id in one.
  lowlatency: { ...OSCORE, s: 1, "key id": 3, "Application-Group-Id": 4 },
  // draft-selander-ace-object-security-06 §7, draft-tiloca-core-multicast-oscoap-00 §4: labels 4, 6
  // and -65537 (5 bytes), three byte strings; RFC 8152 §4.5.
  "oscoap-00": {
    "option header": 1,
    marker: 1,
    "COSE array": 1,
    "protected header": 2,
    "Cid with label": 5,
    "piv with label": 3,
    "sid with label": 7,
    "countersignature header": 10,
    signature: 64,
    "ciphertext header": 1,
    tag: 8,
  },
  // The signature is in the option, whose length of 71 takes a byte more.
  "multicast-oscore-04": { ...SIGNED, "option header": 2 },
  "group-oscore-02": { ...SIGNED, "option header": 2 },
  // draft-keoh-tls-multicast-security-00 §4; RFC 6655 §3, RFC 5246 §6.2.3.
  "dtls-record CCM": { ...RECORD, "explicit nonce": 8, tag: 8 },
  "dtls-record NULL": { ...RECORD, MAC: 32 },
  "group-oscore alg 10": SIGNED,
  "group-oscore alg 30": { ...SIGNED, tag: 16 },
  "group-oscore pairwise": { ...OSCORE, ...NAMED },
  oscore: OSCORE,
});

/** The most that may be added: of issue 4, "Must reach", or what the figures above add up to. */
export const LIMITS: Readonly<Record<string, number>> = Object.freeze({
  lowlatency: 22,
  "oscoap-00": 103,
  "multicast-oscore-04": 83,
  "group-oscore-02": 83,
  "dtls-record CCM": 29,
  "dtls-record NULL": 45,
  "group-oscore alg 10": 82,
  "group-oscore alg 30": 90,
  "group-oscore pairwise": 18,
  oscore: 14,
});

/** What is not as the document says, in words; nothing when all is. */
export function deviations(name: string, parts: readonly Part[]): string[] {
  const expected = FIGURES[name] ?? {};
  const found = new Map(parts.map((part) => [part.name, part.bytes]));
  const names = new Set([...Object.keys(expected), ...found.keys()]);
  const wrong = [...names].flatMap((part) => {
    const [is, should] = [found.get(part) ?? 0, expected[part] ?? 0];
    return is === should ? [] : [`${name}: ${part} takes ${is} bytes, its document says ${should}`];
  });
  const sum = total(parts);
  const limit = LIMITS[name] ?? 0;
  if (sum > limit) wrong.push(`${name}: security adds ${sum} bytes, the limit is ${limit}`);
  return wrong;
}
