/**
 * The frame check sequence of IEEE 802.15.4-2006 §7.2.1.9, for captures: devices leave it to the
 * radio.
 */

/** ITU-T CRC-16, x^16 + x^12 + x^5 + 1, bits in the order they are sent (lowest first), start 0. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0x8408;
  return crc;
});

/** 16 bits; sent with the low byte first. */
export function fcs(frame: Uint8Array): number {
  let crc = 0;
  for (const byte of frame) crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xff];
  return crc;
}

/** The frame as it is on the air. */
export function withFcs(frame: Uint8Array): Uint8Array {
  const whole = new Uint8Array(frame.length + 2);
  whole.set(frame);
  const check = fcs(frame);
  whole[frame.length] = check & 0xff;
  whole[frame.length + 1] = check >> 8;
  return whole;
}
