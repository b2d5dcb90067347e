import type { RoleName } from "./role.js";

/** What a device can say of itself to the person in front of it. */
export interface DeviceStatus {
  readonly role: RoleName;
  /** Hex. */
  readonly clientId: string;
  readonly groups: readonly {
    readonly id: number;
    /** Of the key that is used for sending; hex. */
    readonly keyId: string;
    /**
     * The group acts on commands before their signatures are verified, of all or of those that
     * change nothing: so the installation accepts it.
     */
    readonly unverified?: "defer" | "changes";
    /** Contexts that were derived from its keys (RFC 8613 Appendix B.2), where it has that. */
    readonly derived?: number;
  }[];
  /** What of this device is observed, and by whom (client id, hex). Not there when nothing is. */
  readonly observed?: readonly { readonly path: string; readonly by: string }[];
  /** What it observes of others, and how many of the application group tell. */
  readonly observes?: readonly {
    readonly path: string;
    readonly group: number;
    readonly members: number;
  }[];
}

/** A status LED, a panel: whatever a board has for it. */
export interface Status {
  show(status: DeviceStatus): void;
}
