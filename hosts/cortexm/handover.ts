/**
 * What the emulated board is told before it starts: struct handover of platforms/cortexm/board.h,
 * with the provisioning blob behind it. QEMU loads it where a real board has its factory data.
 */

export const RUN = { device: 0, test: 1, makeImage: 2, write: 3 } as const;

export interface Handover {
  readonly run: (typeof RUN)[keyof typeof RUN];
  readonly flashBytes?: number;
  readonly programBytes?: number;
  readonly seed?: bigint;
  readonly eui64?: Uint8Array;
  /** Ceiling for slots, chunks, stack, key tables and AES keys; 0: as much as there is. */
  readonly heapBytes?: number;
  readonly stackSlots?: number;
  readonly byteCodeBytes?: number;
  /** Where an image that is made will lie. */
  readonly imageAt?: number;
  /** Room for slots and chunks of an image; the address a test of the MPU writes to. */
  readonly argument?: number;
  readonly provisioning?: Uint8Array;
  /** Power cuts of the flash, each OPERATION:MODE:SEED. */
  readonly faults?: readonly string[];
}

const MAGIC = 0x3142434c;
const FAULTS_BYTES = 128;
const FAULTS_AT = 56;
const SIZE = 184;
const FLASH_BYTES = 65_536;

/** Throws RangeError when the faults do not fit. */
export function encodeHandover(handover: Handover): Uint8Array {
  const blob = handover.provisioning ?? new Uint8Array(0);
  const bytes = new Uint8Array(SIZE + blob.length);
  const view = new DataView(bytes.buffer);
  const faults = new TextEncoder().encode((handover.faults ?? []).join(" "));
  if (faults.length >= FAULTS_BYTES) throw new RangeError("too many faults of the flash at once");
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, handover.run, true);
  view.setUint32(8, handover.flashBytes ?? FLASH_BYTES, true);
  view.setUint32(12, handover.programBytes ?? 4, true);
  view.setBigUint64(16, handover.seed ?? 1n, true);
  bytes.set(handover.eui64 ?? Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 1), 24);
  view.setUint32(32, handover.heapBytes ?? 0, true);
  view.setUint32(36, handover.stackSlots ?? 0, true);
  view.setUint32(40, handover.byteCodeBytes ?? 0, true);
  view.setUint32(44, handover.imageAt ?? 0, true);
  view.setUint32(48, handover.argument ?? 0, true);
  view.setUint32(52, blob.length, true);
  bytes.set(faults, FAULTS_AT);
  bytes.set(blob, SIZE);
  return bytes;
}
