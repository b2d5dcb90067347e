/** The shared vector format, and what a profile supplies to be checked against it. */
import type { Drop } from "../../modules/bytes/outcome.js";

export interface VectorInput {
  readonly message?: string;
  readonly type: string;
  readonly code: string;
  readonly mid: number;
  readonly token: string;
  readonly options: readonly [number, string][];
  readonly payload: string | null;
  readonly [extra: string]: unknown;
}

export interface VectorCase {
  readonly name: string;
  readonly context: string;
  readonly direction: "request" | "response";
  readonly from: string;
  readonly to: string;
  readonly request?: string;
  readonly after?: readonly string[];
  readonly unprotect_only?: boolean;
  readonly input: VectorInput;
  readonly received?: VectorInput;
  readonly output: string;
}

export interface NegativeCase {
  readonly name: string;
  readonly context: string;
  readonly direction: "request" | "response";
  readonly to: string;
  readonly request?: string;
  readonly after?: readonly string[];
  readonly dst_addr?: string;
  readonly dst_port?: number;
  readonly previous_tag?: string;
  readonly datagram: string;
  readonly expect: string;
  readonly also?: readonly string[];
  readonly then?: string;
}

export interface VectorFile {
  readonly profile: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly cases: readonly VectorCase[];
  readonly negative: readonly NegativeCase[];
}

/**
 * What a receiver made of a datagram: the whole unprotected message in hex, or the reason for none.
 */
export type Opened = { readonly message: string } | { readonly drop: Drop };

/** A datagram as a receiver meets it. */
export interface Incoming {
  readonly datagram: string;
  readonly destination: { readonly address: string; readonly port: number };
  readonly request: VectorCase | undefined;
  /** Tag of the block before (`oscoap-00`). */
  readonly previousTag: string | null | undefined;
}

export interface Receiver {
  open(incoming: Incoming): Opened;
}

export interface Adapter {
  seal(file: VectorFile, vector: VectorCase, request: VectorCase | undefined): string;
  /** A receiver that has seen nothing and is synchronised. */
  receiver(file: VectorFile, context: string, device: string): Receiver;
}
