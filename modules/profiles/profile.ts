/**
 * The contract every group-security scheme fulfils: data plus functions, never a subclass.
 *
 * Six documents answer "how is a group message protected?" differently, and a device may be in
 * groups of different schemes at once. A class hierarchy with overridden hooks was rejected: the
 * order of checks would hide in a base class. Each profile says in one file how it names a key,
 * opens and seals; `groups/` holds the order (check, open, mark) that all share.
 */
import type { Outcome, Proof } from "../bytes/outcome.js";
import type { Inner, Option } from "../coap/message.js";
import type { Workspace } from "../oscore/aad.js";
import type { OscoreOption } from "../oscore/option.js";
import type { Outer } from "../oscore/outer.js";
import type { AeadKey, Crypto } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";

export type { Inner } from "../coap/message.js";

/** The request a response is bound to: the ids that went into the request's nonce. */
export interface RequestBinding {
  readonly kid: Uint8Array;
  readonly piv: Uint8Array;
}

/** Keys of one security association, imported once. */
export interface KeyMaterial {
  readonly aead: AeadKey;
  readonly iv: Uint8Array;
  /** The key id as it travels, minimal big-endian, 1 to 8 bytes. */
  readonly keyId: Uint8Array;
}

/** An application group, as far as a profile cares. */
export interface AppGroupId {
  /** CoAP uint, at most 4 bytes. */
  readonly id: number;
}

/** A protected message as it arrived: where things stand, nothing copied. */
export interface Arrival {
  readonly outer: Outer;
  readonly option: OscoreOption;
  readonly to: Endpoint;
}

/** What `seal` needs to make a datagram. */
export interface Departure {
  readonly header: { type: number; mid: number; token: Uint8Array };
  readonly inner: Inner;
  /** Options the application asks to leave readable; integrity-protected all the same. */
  readonly clear: readonly Option[];
  readonly appGroup: AppGroupId;
  readonly sender: Uint8Array;
  readonly sequence: number;
  readonly to: Endpoint;
  /** Set in a response. */
  readonly request: RequestBinding | undefined;
}

export interface Profile {
  /** WIRE.md's name; the same word in files, on the command line and in the vectors. */
  readonly name: string;
  /** Whether the protection wraps a CoAP message's inside or a whole record. */
  readonly layer: "message" | "record";
  /** The most an accepted message proves about its sender. */
  readonly proof: Proof["by"];
  /**
   * What a sender counts: all messages under any of his keys by one counter, or those of each key
   * by its own. By one, a command's place is known among those under other keys of its group.
   */
  readonly numbering: "sender" | "key";
  /** Derives and imports the keys of one association; wipes `raw`. */
  importKey(crypto: Crypto, input: { keyId: Uint8Array; raw: Uint8Array }): KeyMaterial;
  /** The scheme's own rules for the outside; false is malformed. */
  wellFormed(arrival: Arrival): boolean;
  /** Opens; `malformed` or `forged` otherwise. Changes no state. */
  open(
    key: KeyMaterial,
    arrival: Arrival,
    context: { appGroup: AppGroupId; request: RequestBinding | undefined; work: Workspace },
  ): Outcome<Inner>;
  /** For schemes that native help opens (ports/intake.ts). */
  readonly intake?: {
    /** The constant beginning of every external_aad of this key and group. */
    prefix(key: KeyMaterial, appGroup: AppGroupId): Uint8Array;
    /** What a message says that was opened elsewhere, with no options outside. */
    inside(plain: Uint8Array): Outcome<Inner>;
  };
  /**
   * The whole datagram. Throws RangeError on a departure the scheme has no encoding for (our bug).
   */
  seal(key: KeyMaterial, departure: Departure, work: Workspace): Uint8Array;
}
