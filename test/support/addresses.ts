/** Where the devices of a test live. */

/** `high`:: … ::`low` as 16 bytes. */
export function address(high: number, low: number): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes[0] = high >> 8;
  bytes[1] = high & 255;
  bytes[14] = low >> 8;
  bytes[15] = low & 255;
  return bytes;
}

/** Where device `number` of a room lives. */
export function deviceAddress(number: number): Uint8Array {
  return address(0xfd00, number);
}
