/** A Key Distribution Center, as its decisions know it. */
import type { TrustAnchor } from "../access/token.js";
import type { Random } from "../ports/random.js";
import type { Listening } from "./heard.js";
import type { Issuer } from "./server.js";

export interface Center extends Issuer {
  readonly random: Random;
  /** Whose tokens it takes. */
  readonly anchors: readonly TrustAnchor[];
  /** Whom its own tokens are for: every receiver of this place. */
  readonly domain: string;
  /** The Group Manager's own credential, where a scheme binds messages to it. */
  readonly managerCredential: Uint8Array;
  /** Who signs certificates of members, where groups have those. */
  readonly certifiers?: readonly TrustAnchor[];
  /** What was heard of groups, where somebody listens to them. */
  readonly listening?: Listening;
}
