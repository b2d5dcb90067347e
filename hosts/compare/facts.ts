/** What is said of a profile and not measured; and what an outsider can read of its messages. */
import { parseMessage } from "../../modules/coap/message.js";
import type { Profile } from "../installation/types.js";
import type { Part } from "./anatomy.js";
import type { Variant } from "./variants.js";

export interface Facts {
  readonly document: string;
  readonly standing: "experiment" | "standard";
}

export const FACTS: Readonly<Record<Profile, Facts>> = Object.freeze({
  lowlatency: { document: "draft-somaraju-ace-multicast-01", standing: "experiment" },
  "oscoap-00": {
    document: "draft-tiloca-core-multicast-oscoap-00",
    standing: "experiment",
  },
  "multicast-oscore-04": {
    document: "draft-tiloca-core-multicast-oscoap-04",
    standing: "experiment",
  },
  "group-oscore-02": {
    document: "draft-ietf-core-oscore-groupcomm-02",
    standing: "experiment",
  },
  "dtls-record": { document: "draft-keoh-tls-multicast-security-00", standing: "experiment" },
  "group-oscore": { document: "RFC 10021", standing: "standard" },
  oscore: { document: "RFC 8613", standing: "standard" },
});

/** Whom a message shows to be its sender: any member, one member, or the only other one. */
export function provenBy({ profile, pairwise }: Variant): "group" | "member" | "pair" {
  if (pairwise === true || profile.proof === "channel") return "pair";
  return profile.proof === "group" ? "group" : "member";
}

/** What of a message is readable on the way. */
export interface Readable {
  readonly code: boolean;
  /** Path and payload. */
  readonly content: boolean;
  /** What else says something: who, how many, to whom. */
  readonly also: readonly string[];
}

const COAP_HEADER_BYTES = 4;
const TELLING = [
  ...["key id", "gid", "kid", "piv", "Application-Group-Id", "signature", "epoch"],
  ...["sequence number", "Cid with label", "piv with label", "sid with label"],
];

/**
 * `put` is the same message with another code inside, `plain` the one unprotected. A signature of
 * `group-oscore` is encrypted: it shows no more than a tag.
 */
export function readableIn(
  { profile }: Variant,
  { post, put, plain }: { post: Uint8Array; put: Uint8Array; plain: Uint8Array },
  parts: readonly Part[],
): Readable {
  const content = Buffer.from(post).includes(Buffer.from(plain.subarray(COAP_HEADER_BYTES)));
  // Inside a record the code is where everything else is.
  const code = profile.layer === "record" ? content : codeOf(post) !== codeOf(put);
  const also = parts
    .map(({ name }) => name)
    .filter((name) => TELLING.includes(name))
    .filter((name) => name !== "signature" || profile.name !== "group-oscore")
    .map((name) => name.replace(" with label", ""));
  return { code, content, also };
}

function codeOf(datagram: Uint8Array): number {
  const message = parseMessage(datagram);
  if (!message.ok) throw new Error("our own message is not well formed");
  return message.value.code;
}
