import type { Drop } from "../bytes/outcome.js";

/**
 * What happened, one counter each. Everything a datagram can come to ends in exactly one of these.
 */
export type TraceEvent =
  | Drop
  | "accepted"
  | "response"
  | "sent"
  | "sendRefused"
  | "plain"
  /** Besides `accepted`: acted on before its signature was verified, and verified afterwards. */
  | "unverified"
  | "verified"
  /** For a device that is nobody's, while no press lets it be joined. */
  | "windowClosed";

export interface Trace {
  count(event: TraceEvent): void;
}
