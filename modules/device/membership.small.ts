/** In place of membership.ts where ROM is short: passed over, for no group of those can be made. */
import type { KeyOffer } from "../groups/keyring.js";
import type { Fields } from "./fields.js";

export function membership(_fields: Fields): object {
  return {};
}

export function schemeKey(fields: Fields): Pick<KeyOffer, "keyId" | "raw"> {
  return { keyId: fields.bytes(0, "keyId", 0, 255), raw: fields.bytes(1, "key", 0, 1024) };
}
