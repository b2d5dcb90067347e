/**
 * The contract every group-security scheme fulfils: data plus functions, never a subclass.
 *
 * Seven documents answer "how is a message protected?" differently, and a device may be in groups
 * of different schemes at once. A class hierarchy with overridden hooks was rejected: the order of
 * checks would hide in a base class. Each profile says in one file how it reads the ids of a
 * message, derives keys, opens, and seals; `groups/` holds the order (check, open, verify, mark)
 * that all share. Every function here is pure but for what it derives: no state changes.
 *
 * Two kinds of key. What the whole group has in common (`K`, one for each key id, Cid, Gid or
 * epoch), and what belongs to one member under it (`P`, a recipient context): absent where one key
 * serves all.
 */
import type { Outcome, Proof } from "../bytes/outcome.js";
import type { Inner, Option } from "../coap/message.js";
import type { Workspace } from "../oscore/aad.js";
import type { OscoreOption } from "../oscore/option.js";
import type { Outer } from "../oscore/outer.js";
import type { AeadKey, Crypto, Signer } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";

export type { Inner } from "../coap/message.js";

/** The request a response is bound to: the ids that went into the request's nonce. */
export interface RequestBinding {
  readonly kid: Uint8Array;
  readonly piv: Uint8Array;
  /** Key id (Gid, Cid) the request was protected under, where the scheme has answers name it. */
  readonly keyId?: Uint8Array;
  /** A request in pairwise mode, or of `oscore`: the only one who may answer. */
  readonly peer?: Uint8Array;
}

/** Keys of one security association, imported once. Each profile adds what it derives. */
export interface KeyMaterial {
  /** As it travels; what it is called differs: key_id, Cid, Gid, epoch. */
  readonly keyId: Uint8Array;
  /** The only other member, where two share a context: no table of members is asked. */
  readonly peerId?: Uint8Array;
}

/** Where one key and IV serve every sender: what native help can read (ports/intake.ts). */
export interface SharedKey extends KeyMaterial {
  readonly aead: AeadKey;
}

/** An application group, as far as a profile cares. */
export interface AppGroupId {
  /** CoAP uint, at most 4 bytes. */
  readonly id: number;
}

/** A member as the group's repository of public keys knows it. */
export interface Member {
  /** Sender id: kid, client id; of `dtls-record` its CS_ID. */
  readonly id: Uint8Array;
  /**
   * What vouches for its public key: the 32 bytes of an Ed25519 key, or in `group-oscore` the whole
   * credential as it enters the AAD (CCS). Of `dtls-record` the source address, 16 bytes. Empty
   * where the scheme needs none.
   */
  readonly credential: Uint8Array;
}

/** This device as a member. */
export interface Own {
  readonly id: Uint8Array;
  /** Our own credential, as in `Member`. */
  readonly credential: Uint8Array;
  /**
   * Absent in a silent server, which has no Sender Context and only listens
   * (draft-ietf-core-oscore-groupcomm-02 §1.1). A build without signatures (`Crypto.signatures`)
   * cannot even do that: there profiles that sign refuse to import.
   */
  readonly signer: Signer | undefined;
}

/** What an association is made of, as it was provisioned or fetched. */
export interface KeyInput {
  readonly keyId: Uint8Array;
  /**
   * The scheme's secret: 16 bytes of `lowlatency`, CBOR of the others (each profile's file says
   * which). Wiped.
   */
  readonly raw: Uint8Array;
  readonly own: Own;
  /** Multicast addresses of the application groups it serves. */
  readonly addresses: readonly Uint8Array[];
}

/** A protected message as it arrived: where things stand, nothing copied. */
export interface Arrival {
  /** Of a record only `bytes` is set. */
  readonly outer: Outer;
  /** Filled by `identify`: positions of kid, key id (as kid context) and piv in `outer.bytes`. */
  readonly option: OscoreOption;
  readonly to: Endpoint;
}

/** What `open` needs beside the keys. */
export interface OpenContext<P> {
  readonly appGroup: AppGroupId;
  /** Set in a response. */
  readonly request: RequestBinding | undefined;
  readonly work: Workspace;
  /** The sender's; where the scheme has one for each. */
  readonly peer?: P | undefined;
  /** Tag of the block before (`oscoap-00`). */
  readonly previousTag?: Uint8Array | undefined;
}

/** What `seal` needs to make a datagram. */
export interface Departure<P = unknown> {
  readonly header: { type: number; mid: number; token: Uint8Array };
  readonly inner: Inner;
  /** Options the application asks to leave readable; integrity-protected all the same. */
  readonly clear: readonly Option[];
  readonly appGroup: AppGroupId;
  readonly sender: Uint8Array;
  /** Minimal big-endian; undefined in a response that uses its request's nonce. */
  readonly piv: Uint8Array | undefined;
  readonly to: Endpoint;
  /** Set in a response. */
  readonly request: RequestBinding | undefined;
  /** Pairwise mode and `oscore`: whom it is for. In group mode undefined. */
  readonly peer?: P | undefined;
  /** In a response: says under which key id it is protected (a newer one than the request's). */
  readonly namesKey?: boolean;
  /** In a response in pairwise mode: has a kid all the same. */
  readonly namesSender?: boolean;
  /** Tag of the block before (`oscoap-00`). */
  readonly previousTag?: Uint8Array | undefined;
}

/** What a signature was made over, with the signature. */
export interface Signed {
  readonly data: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What is constant in a member's requests in group mode. */
export interface MemberParts {
  readonly aead: AeadKey;
  readonly tagBytes: 8 | 16;
  /** All of the nonce but the partial IV. */
  readonly base: Uint8Array;
  // The external_aad around request_piv and the OSCORE option; between the latter two the
  // sender's credential.
  readonly first: Uint8Array;
  readonly middle: Uint8Array;
  readonly credential: Uint8Array;
  readonly last: Uint8Array;
}

export interface Profile<K extends KeyMaterial = KeyMaterial, P = unknown> {
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
  /**
   * Messages carry the Application-Group-Id, which names the group; otherwise it is found by the
   * address a message was sent to, and by its key id.
   */
  readonly namesGroup?: true;
  /** An answer may be under a newer key than its request: it says so, or needs not. */
  readonly answersNewer?: true;
  /** What a sender's counter begins at where that is not 0. */
  readonly firstNumber?: 1;
  /** How many numbers below the highest are still told apart; 1: strictly increasing. */
  readonly window: 1 | 32 | 64;
  /**
   * Whether the window covers answers, too; where it does not, an answer is accepted once for each
   * (request, sender, piv).
   */
  readonly windowCovers: "all" | "requests";
  /**
   * How a server asks a client whose numbers it cannot judge for proof that it is there now:
   * response code and number of the option to be echoed (`group-oscore` Echo in 4.01, the drafts
   * before it Echo or Repeat in 4.03). Such a response always has its own piv: of two that answer
   * the same request, which may be a replay, neither may use the request's nonce. Absent where
   * another way is taken.
   */
  readonly challenge?: { readonly code: number; readonly option: number };
  /** Whether what is for one member alone is protected between the two (pairwise mode). */
  pairs?(key: K): boolean;
  /** Derives and imports what an association's members share; wipes `raw`. Throws RangeError. */
  importKey(crypto: Crypto, input: KeyInput): K;
  /**
   * The key is no more: wipes what keys are derived from, and those that are no `AeadKey` (which
   * wipe themselves). `peers` are the contexts of its members.
   */
  wipe?(key: K, peers: readonly P[]): void;
  /**
   * Whether somebody may be a member: his credential is well-formed, and its key one that key
   * generation can give (`Signatures.isPublicKey`). That costs more than a verify, so it is asked
   * once, by the table of members before it takes him (groups/members.ts): what stands in it was
   * admitted, on flash, too. Absent where there is no such table; then nobody gets into it.
   */
  admits?(crypto: Crypto, member: Member): boolean;
  /**
   * A recipient context of a member that was admitted; his key is not looked at again. Undefined
   * when his credential has no form that is known.
   */
  peer?(crypto: Crypto, key: K, member: Member): P | undefined;
  /**
   * Reads ids into `arrival.option` and applies the scheme's own rules for the outside; false is
   * malformed.
   */
  identify(arrival: Arrival, direction: "request" | "response"): boolean;
  /**
   * Opens; `malformed`, `forged` or `oldEpoch` otherwise. No signature is looked at: that is
   * `signed`.
   */
  open(key: K, arrival: Arrival, context: OpenContext<P>): Outcome<Inner>;
  /**
   * Of a record, instead of `open`: the datagram in it, a copy. `malformed`, `forged` or `oldEpoch`
   * otherwise.
   */
  unwrap?(key: K, arrival: Arrival, context: OpenContext<P>): Outcome<Uint8Array>;
  /**
   * The signature of a message that was opened, and what it covers; undefined when it carries none
   * (pairwise mode, symmetric schemes). `forged` is for the caller to say when it does not verify.
   * Throws RangeError on a message that `open` would refuse (our bug).
   */
  signed?(key: K, arrival: Arrival, context: OpenContext<P>): Signed | undefined;
  /**
   * Where each block of a body is bound to the one before: the tag of a message whose outside was
   * read, to be the next one's `previousTag`. A copy.
   */
  tagOf?(outer: Outer): Uint8Array;
  /** For schemes that native help opens (ports/intake.ts). */
  readonly intake?: {
    /** 13 bytes; a view of the key's. */
    iv(key: K): Uint8Array;
    /** The constant beginning of every external_aad of this key and group. */
    prefix(key: K, appGroup: AppGroupId): Uint8Array;
    /** What a message says that was opened elsewhere, with no options outside. */
    inside(plain: Uint8Array): Outcome<Inner>;
  };
  /** For schemes of which native help opens members' messages (ports/intake-member.ts). */
  readonly intakeMember?: {
    /** What the messages of one member have in common; undefined where there is no group mode. */
    parts(key: K, peer: P): MemberParts | undefined;
  };
  /**
   * The whole datagram. Throws RangeError on a departure the scheme has no encoding for (our bug).
   */
  seal(key: K, departure: Departure<P>, work: Workspace): Uint8Array;
}
