/** From a shared secret to the keys of an epoch (RFC 5246 §8.1, §6.3; RFC 7627 §4; RFC 4279 §2). */
import { concat } from "../bytes/concat.js";
import { writeUint } from "../bytes/uint.js";
import { utf8 } from "../bytes/utf8.js";
import { AES_128_CCM_8, type Crypto } from "../ports/crypto.js";
import { VERIFY_DATA_BYTES } from "./messages.js";
import { pSha256 } from "./prf.js";
import type { RecordKeys } from "./records.js";

export const MASTER_BYTES = 48;
const KEY_BYTES = 16;
/** RFC 6655 §3: client_write_IV and server_write_IV. */
const SALT_BYTES = 4;

export type Side = "client" | "server";

/** RFC 5246 §5: PRF(secret, label, seed) of suites with SHA-256. */
export function prf(
  crypto: Pick<Crypto, "hmac">,
  input: { secret: Uint8Array; label: string; seed: Uint8Array; length: number },
): Uint8Array {
  const { secret, label, seed, length } = input;
  return pSha256(crypto, { secret, seed: concat(utf8(label), seed), length });
}

/** RFC 4279 §2: as many zeros as the key has bytes, then the key, each with its length. */
export function premasterOf(psk: Uint8Array): Uint8Array {
  const { length } = psk;
  const premaster = new Uint8Array(4 + 2 * length);
  writeUint(premaster, 0, 2, length);
  writeUint(premaster, 2 + length, 2, length);
  premaster.set(psk, 4 + length);
  return premaster;
}

/** RFC 7627 §4, 48 bytes: bound to the whole handshake. Wipes `premaster`. */
export function masterSecret(
  crypto: Pick<Crypto, "hmac">,
  premaster: Uint8Array,
  sessionHash: Uint8Array,
): Uint8Array {
  const label = "extended master secret";
  const input = { secret: premaster, label, seed: sessionHash, length: MASTER_BYTES };
  const master = prf(crypto, input);
  premaster.fill(0);
  return master;
}

/** RFC 5246 §6.3: what each side seals with. */
export function recordKeys(
  crypto: Crypto,
  input: { master: Uint8Array; clientRandom: Uint8Array; serverRandom: Uint8Array },
): { readonly client: RecordKeys; readonly server: RecordKeys } {
  const { master, clientRandom, serverRandom } = input;
  const block = prf(crypto, {
    secret: master,
    label: "key expansion",
    seed: concat(serverRandom, clientRandom),
    length: 2 * (KEY_BYTES + SALT_BYTES),
  });
  const saltsAt = 2 * KEY_BYTES;
  const keys = (side: 0 | 1): RecordKeys => {
    const raw = block.slice(side * KEY_BYTES, (side + 1) * KEY_BYTES);
    const saltAt = saltsAt + side * SALT_BYTES;
    const salt = block.slice(saltAt, saltAt + SALT_BYTES);
    return { aead: crypto.aeadKey(AES_128_CCM_8, raw), salt };
  };
  const both = { client: keys(0), server: keys(1) };
  block.fill(0);
  return both;
}

/** RFC 5705 §4, without a context value. */
export function exported(
  crypto: Pick<Crypto, "hmac">,
  input: {
    master: Uint8Array;
    label: string;
    clientRandom: Uint8Array;
    serverRandom: Uint8Array;
    length: number;
  },
): Uint8Array {
  const { master, label, clientRandom, serverRandom, length } = input;
  const seed = concat(clientRandom, serverRandom);
  return prf(crypto, { secret: master, label, seed, length });
}

/** RFC 5246 §7.4.9: verify_data of a Finished, 12 bytes. `hash`: of the messages before it. */
export function verifyData(
  crypto: Pick<Crypto, "hmac">,
  input: { master: Uint8Array; side: Side; hash: Uint8Array },
): Uint8Array {
  const { master, side, hash } = input;
  const label = `${side} finished`;
  return prf(crypto, { secret: master, label, seed: hash, length: VERIFY_DATA_BYTES });
}
