/** Same length and same bytes. Leaves at the first difference: for public data only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  const length = a.length;
  if (b.length !== length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * As `equalBytes`, and visits every byte whatever it finds, so that the time does not tell an
 * attacker how much of a tag was right. Lengths are public. A JavaScript engine promises nothing
 * about time; what is promised here is that no branch depends on the contents. Devices compare tags
 * in C.
 */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
