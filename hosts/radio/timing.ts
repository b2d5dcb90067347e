/**
 * Times of the 2.4 GHz O-QPSK PHY at 250 kbit/s and the constants of unslotted CSMA/CA,
 * IEEE 802.15.4-2006 §6.5, §7.4 and §7.5.1.4. One symbol is 16 µs, one byte two symbols.
 */

export const BYTE_MICROS = 32;
/** Preamble 4, start-of-frame delimiter 1, length 1. */
export const PHY_HEADER_BYTES = 6;
export const FCS_BYTES = 2;
/** aMaxPHYPacketSize less the FCS the radio adds. */
export const FRAME_BYTES_MAX = 125;
/** Auxiliary security header (control 1, frame counter 4, key index 1) and MIC-32. */
export const SECURITY_BYTES = 10;
/** Frame control 2, sequence number 1. */
export const FRAME_BYTES_MIN = 3;

export const MIN_BE = 3;
export const MAX_BE = 5;
export const MAX_CSMA_BACKOFFS = 4;
/** aUnitBackoffPeriod, 20 symbols. */
export const UNIT_BACKOFF_MICROS = 320;
/** phyCCADuration, 8 symbols. */
export const CCA_MICROS = 128;
/** aTurnaroundTime, 12 symbols: receive to transmit, and end of a frame to start of its ACK. */
export const TURNAROUND_MICROS = 192;
/** macAckWaitDuration: 20 + 12 + 10 + ceil(6 * 2) = 54 symbols, from the end of the frame. */
export const ACK_WAIT_MICROS = 864;
/**
 * Interframe spacing after frames of at most 18 bytes (aMaxSIFSFrameSize, FCS included), and
 * longer ones.
 */
export const SIFS_MICROS = 192;
export const LIFS_MICROS = 640;
export const SIFS_FRAME_BYTES = 18;

/**
 * On air from the first preamble symbol to the end of the FCS. `bytes` counts the frame without
 * FCS.
 */
export function airtimeMicros(bytes: number): number {
  return (PHY_HEADER_BYTES + bytes + FCS_BYTES) * BYTE_MICROS;
}

/** How long a sender keeps silent after a frame of `bytes` (without FCS). */
export function spacingMicros(bytes: number): number {
  return bytes + FCS_BYTES <= SIFS_FRAME_BYTES ? SIFS_MICROS : LIFS_MICROS;
}
