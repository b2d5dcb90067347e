import type { Departure, RequestBinding } from "../profiles/profile.js";
import type { AppGroup, Association } from "./directory.js";

/** What is to be sent, before it has a number or a key. */
export interface Outgoing extends Pick<Departure, "header" | "inner" | "clear" | "to"> {
  readonly appGroup: AppGroup;
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
