import type { Option } from "../coap/message.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Inner, RequestBinding } from "../profiles/profile.js";
import type { AppGroup, Association } from "./directory.js";

/** What is to be sent, before it has a number or a key. */
export interface Outgoing {
  readonly header: { type: number; mid: number; token: Uint8Array };
  readonly inner: Inner;
  readonly clear: readonly Option[];
  readonly appGroup: AppGroup;
  readonly to: Endpoint;
  /**
   * Set in a response: the request it answers, and the key that opened it (the asker has that one).
   */
  readonly request: RequestBinding | undefined;
  readonly association: Association | undefined;
  /** Of a request to one member (pairwise mode, `oscore`): whom. */
  readonly peer?: Uint8Array;
  /** Of a response that may not use its request's number. */
  readonly ownNumber?: boolean;
}

/** A datagram, what its answers are bound to, and the key it is under. */
export interface Sealed {
  readonly bytes: Uint8Array;
  readonly binding: RequestBinding;
  readonly association: Association;
}
