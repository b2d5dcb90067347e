import { Store, type StoreError } from "../../modules/store/store.js";
import { NorFlash } from "./flash.js";

export const PROGRAM_UNITS: readonly number[] = Object.freeze([4, 8, 16]);

/** A formatted partition. */
export function formatted(programBytes: number, sectors = 16, seed = 1): NorFlash {
  const flash = new NorFlash({ size: sectors * 4096, programBytes, seed });
  if (!Store.format({ flash })) throw new Error("format was refused");
  return flash;
}

/** The store in it; throws when it does not open. */
export function opened(flash: NorFlash, keys = 250): Store {
  const result = Store.open({ flash, keys });
  if (!result.ok) throw new Error(result.error.message);
  return result.store;
}

/** Why it does not open; throws when it does. */
export function refused(flash: NorFlash): StoreError {
  const result = Store.open({ flash });
  if (result.ok) throw new Error("the store opened");
  return result.error;
}

/** Tidies until there is nothing to do; throws when that does not come to an end. */
export function tidyUp(store: Store): void {
  for (let step = 0; store.needsTidy; step++) {
    if (step > 2000) throw new Error("tidying does not come to an end");
    store.tidy();
  }
}

/** `length` bytes that differ by `seed`. */
export function bytesOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + seed * 31) & 0xff;
  return bytes;
}
