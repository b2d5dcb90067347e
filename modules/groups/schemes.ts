/**
 * What groups need whose scheme has a key for each member: every scheme but `lowlatency`.
 *
 * A device in groups of `lowlatency` alone has none of this, neither in memory nor, where the build
 * leaves those schemes out, in its image: `Groups.schemes` is undefined there, and what a message
 * without Application-Group-Id comes to is decided without it.
 */
import { Id64 } from "../bytes/id64.js";
import type { Proof } from "../bytes/outcome.js";
import type { Crypto } from "../ports/crypto.js";
import type { RequestBinding } from "../profiles/profile.js";
import type { Store } from "../store/store.js";
import { Contexts } from "./contexts.js";
import type { Association } from "./directory.js";
import type { Heard } from "./heard.js";
import { Members } from "./members.js";

/** A request of ours that an answer is held against. */
export interface Awaited {
  readonly request: RequestBinding;
  /** The key it was sent under. */
  readonly association: Association;
  readonly heard: Heard;
  /** Tag of the block before (`oscoap-00`, Block2). */
  readonly previousTag?: Uint8Array | undefined;
}

export class Schemes {
  readonly crypto: Crypto;
  readonly members: Members;
  readonly contexts = new Contexts();
  /** Of the message being read, as `Arriving`: what it was shown to prove, and whose it is. */
  proof: Proof = { by: "group" };
  sender: Uint8Array = NOBODY;
  /** Where the sender's row in `Recipients` is filed: his id, or what stands for a long one. */
  readonly filedAs = new Id64();
  /** Tag of the block before (`oscoap-00`, Block1), where the message continues one. */
  previousTag: Uint8Array | undefined = undefined;

  constructor(parts: { crypto: Crypto; store: Store }) {
    this.crypto = parts.crypto;
    this.members = new Members(parts.store);
  }

  /**
   * What a sender's row is filed under, in 1 to 8 bytes. Two ids longer than that whose digests
   * agree would share a window: then a message too many is refused, never one too many accepted.
   */
  fileOf(id: Uint8Array): Uint8Array {
    return id.length <= FILED_BYTES ? id : this.crypto.sha256(id).subarray(0, FILED_BYTES);
  }
}

const NOBODY = new Uint8Array(0);
const FILED_BYTES = 8;
