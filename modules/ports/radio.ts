/**
 * An IEEE 802.15.4 radio, for boards without a 6LoWPAN stack of their own. CSMA/CA, the FCS and the
 * immediate ACK are the radio's work, as in nRF52840 and ESP32-C6 hardware; retries are `lowpan`'s.
 */
export interface Radio {
  /** EUI-64, 8 bytes, as printed on the label (not bit-flipped). */
  readonly eui64: Uint8Array;
  /** 16-bit short address and PAN id the radio filters and acknowledges for. */
  setAddress(address: { pan: number; short: number }): void;
  /**
   * Queues one frame (MAC header and payload, without FCS, at most 115 bytes); answers by `onSent`
   * with the same id.
   */
  send(frame: Uint8Array): number;
  /**
   * `acked` is meaningful for frames that asked for an ACK; false also when the channel stayed
   * busy.
   */
  onSent: ((sent: { id: number; acked: boolean; transmitted: boolean }) => void) | undefined;
  /** A frame that passed the FCS (FCS removed). */
  onFrame: ((frame: Uint8Array, atMicros: number) => void) | undefined;
}

/** A device's place in a mesh, as its installation has it. */
export interface MeshPlace {
  readonly pan: number;
  readonly short: number;
  /** First 8 bytes of the mesh-local addresses. */
  readonly prefix: Uint8Array;
  /** Destination short address -> next hop short address. */
  readonly routes: ReadonlyMap<number, number>;
  readonly router: boolean;
  /** It speaks with neighbours that have no PAN, too: it joins them. */
  readonly hasNewcomers?: boolean;
}
