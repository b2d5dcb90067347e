/** What an attacker does to a signed message that he has, and to signatures. */
import { decode } from "../../modules/cbor/decode.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { emitMessage, type Message, parseMessage } from "../../modules/coap/message.js";
import { OSCORE } from "../../modules/coap/options.js";
import type { Datagram } from "../../modules/ports/datagram.js";

export const SIGNATURE_BYTES = 64;
const KID_CONTEXT_FLAG = 0x10;
const SIGNATURE_FLAG = 0x20;
/** RFC 8032 §5.1: the order of the base point, little-endian. */
const ORDER = [
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/** `S + L`: the same signature to whoever does not look. */
export function malleable(signature: Uint8Array): Uint8Array {
  const other = signature.slice();
  let carry = 0;
  for (let i = 0; i < ORDER.length; i++) {
    const sum = other[32 + i] + ORDER[i] + carry;
    other[32 + i] = sum;
    carry = sum >> 8;
  }
  return other;
}

interface Parts {
  /** Of the OSCORE option. */
  readonly value: Uint8Array;
  readonly payload: Uint8Array;
}

/** A message taken apart and put together again. */
export function rebuilt(datagram: Datagram, change: (parts: Parts) => Partial<Parts>): Datagram {
  const parsed = parseMessage(datagram.bytes);
  if (!parsed.ok) throw new Error("no message");
  const message: Message = parsed.value;
  const value = message.options.find(({ number }) => number === OSCORE)?.value as Uint8Array;
  const parts = { value, payload: message.payload as Uint8Array };
  const changed = { ...parts, ...change(parts) };
  const options = message.options.map((option) =>
    option.number === OSCORE ? { number: OSCORE, value: changed.value } : option,
  );
  return { ...datagram, bytes: emitMessage({ ...message, options, payload: changed.payload }) };
}

/** The message without its signature, in form but for that. */
export function stripped(profile: string, datagram: Datagram): Datagram {
  return rebuilt(datagram, ({ value, payload }) => {
    if (profile === "group-oscore") return { payload: payload.slice(0, -SIGNATURE_BYTES) };
    if (profile === "oscoap-00") {
      const [header, , ciphertext] = objectOf(payload);
      return { payload: encode([header, new Map<Cbor, Cbor>(), ciphertext]) };
    }
    const option = joined(value.slice(0, -SIGNATURE_BYTES - 1), value.slice(-1));
    option[0] -= SIGNATURE_FLAG;
    return { value: option };
  });
}

/** The signature where another of the schemes has it. */
export function moved(profile: string, datagram: Datagram): Datagram {
  return rebuilt(datagram, ({ value, payload }) => {
    if (profile === "group-oscore") {
      const signature = payload.slice(-SIGNATURE_BYTES);
      const option = joined(value.slice(0, -1), signature, value.slice(-1));
      return { value: option, payload: payload.slice(0, -SIGNATURE_BYTES) };
    }
    if (profile === "oscoap-00") {
      const [header, unprotected, ciphertext] = objectOf(payload);
      const [, , signature] = (unprotected as Map<Cbor, Cbor[]>).get(7) as Cbor[];
      const object = encode([header, new Map<Cbor, Cbor>(), ciphertext]);
      return { payload: joined(object, signature as Uint8Array) };
    }
    const signature = value.slice(-SIGNATURE_BYTES - 1, -1);
    const option = joined(value.slice(0, -SIGNATURE_BYTES - 1), value.slice(-1));
    return { value: option, payload: joined(payload, signature) };
  });
}

/** Bit 0x20 of the option cleared: RFC 10021's Group Flag, the drafts' "a signature is there". */
export function flagCleared(datagram: Datagram): Datagram {
  return rebuilt(datagram, ({ value }) => {
    const option = value.slice();
    option[0] -= SIGNATURE_FLAG;
    return { value: option };
  });
}

/** The message of whoever made it, under the one-byte id of somebody else. */
export function passedOffAs(id: number, profile: string, datagram: Datagram): Datagram {
  return rebuilt(datagram, ({ value, payload }) => {
    if (profile === "oscoap-00") {
      const [header, unprotected, ciphertext] = objectOf(payload);
      // -65537 is the last label, its value the last byte.
      const named = (header as Uint8Array).slice();
      named[named.length - 1] = id;
      return { payload: encode([named, unprotected, ciphertext]) };
    }
    const option = value.slice();
    option[option.length - 1] = id;
    return { value: option };
  });
}

/** An answer that names no key, naming one. */
export function naming(gid: Uint8Array, datagram: Datagram): Datagram {
  return rebuilt(datagram, ({ value }) => {
    const numberEnd = 1 + (value[0] & 7);
    const named = joined(value.slice(0, numberEnd), Uint8Array.of(gid.length), gid);
    named[0] += KID_CONTEXT_FLAG;
    return { value: joined(named, value.slice(numberEnd)) };
  });
}

/** A COSE_Encrypt0: protected, unprotected, ciphertext. */
function objectOf(payload: Uint8Array): Cbor[] {
  const decoded = decode(payload);
  if (!decoded.ok) throw new Error("no object");
  return decoded.value as Cbor[];
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
