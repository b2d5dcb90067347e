/**
 * What lets a person in: a password that was set, of which only the scrypt hash is kept, or a code
 * that the program prints at its terminal and that counts once.
 */
import { randomBytes, randomInt, scrypt, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

export interface Secret {
  readonly asks: "password" | "code";
  /** Whether it is this. Takes time, and says nothing else. */
  isRight(guess: string): Promise<boolean>;
}

/** RFC 7914 §2; 32 MB and some 80 ms for each guess. */
const COST = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORMAT = "web password 1";
export const PASSWORD_CHARS_MIN = 10;
export const PASSWORD_CHARS_MAX = 200;

/** Without I, L, O and U, which are mistaken for others. */
const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_SYMBOLS = 8;

/** What is kept of a password. */
export async function emitPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await hashOf(password, salt);
  const kept = { lumicast: FORMAT, salt: salt.toString("hex"), hash: hash.toString("hex") };
  return `${JSON.stringify(kept)}\n`;
}

/** Undefined where none was set. Throws an Error that names the file. */
export function readPassword(path: string): Secret | undefined {
  if (!existsSync(path)) return undefined;
  const { salt, hash } = parsed(readFileSync(path, "utf8"));
  if (salt === undefined || hash === undefined) {
    throw new Error(`${path} is damaged; set the password anew: lumicast authority web-password`);
  }
  return {
    asks: "password",
    isRight: async (guess) => timingSafeEqual(await hashOf(guess, salt), hash),
  };
}

function parsed(text: string): { salt?: Buffer; hash?: Buffer } {
  try {
    const { lumicast, salt, hash } = JSON.parse(text) as Record<string, string>;
    const isWhole = /^[0-9a-f]{32}$/.test(salt) && /^[0-9a-f]{64}$/.test(hash);
    if (lumicast !== FORMAT || !isWhole) return {};
    return { salt: Buffer.from(salt, "hex"), hash: Buffer.from(hash, "hex") };
  } catch {
    return {};
  }
}

function hashOf(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, HASH_BYTES, COST, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}

/** A code; once it was right, `tell` hears the next one. */
export class Codes implements Secret {
  readonly asks = "code";
  readonly #tell: (code: string) => void;
  #code: string;

  constructor(tell: (code: string) => void) {
    this.#tell = tell;
    this.#code = draw();
    tell(spaced(this.#code));
  }

  async isRight(guess: string): Promise<boolean> {
    const typed = readable(guess);
    const isIt =
      typed.length === CODE_SYMBOLS && timingSafeEqual(Buffer.from(typed), Buffer.from(this.#code));
    if (!isIt) return false;
    this.#code = draw();
    this.#tell(spaced(this.#code));
    return true;
  }
}

/** 40 bits: with guesses rationed, more than anybody can try. */
function draw(): string {
  return Array.from({ length: CODE_SYMBOLS }, () => SYMBOLS[randomInt(SYMBOLS.length)]).join("");
}

function spaced(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

function readable(guess: string): string {
  const letters = guess.toUpperCase().replace(/[\s-]/g, "");
  const meant = letters.replace(/O/g, "0").replace(/[IL]/g, "1");
  return /^[0-9A-Z]*$/.test(meant) ? meant : "";
}
