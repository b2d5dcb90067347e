/** The files that hold no messages of a group: what is derived from keys. */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { mikeyPrf, type SessionKey, sessionKey } from "../../modules/dtls/mikey.js";

export type Fields = Readonly<Record<string, unknown>>;

/** Each says what is wrong with a case, or undefined. */
export interface Derivations {
  positive(fields: Fields, context: Fields): string | undefined;
  /** `positive` finds a case of the file by its name. */
  negative(fields: Fields, context: Fields, positive: (name: string) => Fields): string | undefined;
}

export const DERIVATIONS: Readonly<Record<string, Derivations>> = {
  "mikey-prf": {
    positive(fields) {
      const crypto = new TsCrypto();
      const length = (fields.bits as number) / 8;
      const key = bytes(fields.tgk);
      const made = mikeyPrf(crypto, { key, label: bytes(fields.label), length });
      const session = {
        tgk: key,
        mulId: bytes(fields.mul_id),
        csId: bytes(fields.cs_id),
        rand: bytes(fields.rand),
      };
      const which = CONSTANTS[fields.constant as string];
      const named = sessionKey(crypto, session, which, length);
      return differs(made, fields.output) ?? differs(named, fields.output);
    },
    negative: () => "this file has none",
  },
  "pairwise-ecdh": {
    positive(fields) {
      const signer = new NobleSignatures().signer(bytes(fields.ed25519_seed));
      const agreed = signer.agree(bytes(fields.peer_ed25519_public));
      const own = differs(signer.publicKey, fields.ed25519_public);
      return own ?? (agreed === undefined ? "aborted" : differs(agreed, fields.output));
    },
    negative(fields) {
      const signer = new NobleSignatures().signer(new Uint8Array(32).fill(1));
      const agreed = signer.agree(bytes(fields.public));
      return agreed === undefined ? undefined : `agreed on ${toHex(agreed)}`;
    },
  },
};

const CONSTANTS: Readonly<Record<string, SessionKey>> = {
  "2ad01c64": "tek",
  "1b5c7973": "tak",
  "39a2c14b": "salt",
};

export function bytes(hex: unknown): Uint8Array {
  return fromHex(hex as string);
}

export function differs(made: Uint8Array, wanted: unknown): string | undefined {
  return toHex(made) === wanted ? undefined : `derived ${toHex(made)}, not ${wanted}`;
}
