/** How works reach devices, where an authority runs. */
import type { Answered, Ask } from "../../modules/secure/request.js";
import type { Authority } from "./authority.js";

/** Undefined: nobody is there to answer. */
export type AskPerson = (question: string) => Promise<boolean | undefined>;

/** What joins, and questions to devices, are made with. */
export interface DeviceSide {
  /** Of this computer, where devices are. Throws a Fault where that is not known. */
  network(): string;
  changed(): Promise<void>;
  /** When who shows this credential, in hex, was heard last: Unix ms; null: not in this run. */
  heardAt(credential: string): number | null;
  /** Over the channel that is open, or one that is opened to where it was last. */
  ask(clientId: Uint8Array, ask: Ask): Promise<Answered>;
}

/** Of a work's place (works.ts), what is asked of devices with. */
export interface DevicePlace {
  readonly authority: Authority;
  readonly running: { readonly at: string; readonly side?: DeviceSide } | undefined;
  readonly say: (line: string) => void;
  /** A question to whoever waits. */
  readonly ask?: AskPerson;
  /** Whoever waited has gone. */
  readonly left?: AbortSignal;
}
