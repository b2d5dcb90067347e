/**
 * The C functions of natives_*.c, one TypeScript function each and nothing more: only where a
 * function's whole body is `return native(...).call(this, its own parameters)` does XS put the C
 * function itself in its place; anywhere else it makes a function object at every call.
 */

export function micros(this: void): number {
  return native<number>("xs_lumicast_micros").call(this);
}

/** False when the source is not ready: then `into` must not be used. */
export function random(this: void, into: Uint8Array): boolean {
  return native<boolean>("xs_lumicast_random").call(this, into);
}

/** What is wrong with it, if anything. */
export function setPin(this: void, name: string, pin: number): string | undefined {
  return native<string | undefined>("xs_lumicast_pin").call(this, name, pin);
}

/** Makes `instance` a key: `raw` is wiped. */
export function makeKey(
  this: void,
  instance: object,
  algorithm: number,
  raw: Uint8Array,
): undefined {
  return native<undefined>("xs_lumicast_key").call(this, instance, algorithm, raw);
}

export function hasSignatures(this: void): boolean {
  return native<boolean>("xs_lumicast_signatures").call(this);
}

/** Makes `instance` a private key, returns its public key: `seed` is wiped. */
export function makeSigner(this: void, instance: object, seed: Uint8Array): Uint8Array {
  return native<Uint8Array>("xs_lumicast_signer").call(this, instance, seed);
}

export function isPublicKey(this: void, publicKey: Uint8Array): boolean {
  return native<boolean>("xs_lumicast_public_key").call(this, publicKey);
}

export function verifySignature(
  this: void,
  data: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return native<boolean>("xs_lumicast_verify").call(this, data, signature, publicKey);
}

/** Makes `instance` a bound intake over `state`. */
export function bindIntake(this: void, instance: object, state: unknown): undefined {
  return native<undefined>("xs_lumicast_intake_bind").call(this, instance, state);
}

/** Whether this image has native help for members' messages. */
export function hasMembers(this: void): boolean {
  return native<boolean>("xs_lumicast_members").call(this);
}

/** Makes `instance` a bound intake of members over `state`. */
export function bindMembers(this: void, instance: object, state: unknown): undefined {
  return native<undefined>("xs_lumicast_members_bind").call(this, instance, state);
}

export function journalScan(
  this: void,
  cursor: ArrayBuffer,
  index: ArrayBuffer,
  start: number,
  end: number,
  generation: number,
  placesLeft: number,
  scanned: ArrayBuffer,
): number {
  return native<number>("xs_lumicast_journal_scan").call(
    this,
    cursor,
    index,
    start,
    end,
    generation,
    placesLeft,
    scanned,
  );
}

export function journalHeads(
  this: void,
  cursor: ArrayBuffer,
  sectorBytes: number,
  columns: ArrayBuffer,
): undefined {
  return native<undefined>("xs_lumicast_journal_heads").call(this, cursor, sectorBytes, columns);
}

export function journalIsErased(this: void, start: number, end: number): boolean {
  return native<boolean>("xs_lumicast_journal_is_erased").call(this, start, end);
}

/** How many there are; as many as fit are in `into`, words: their indexes within the kind. */
export function journalKeys(
  this: void,
  cursor: ArrayBuffer,
  index: ArrayBuffer,
  kind: number,
  into: ArrayBuffer,
): number {
  return native<number>("xs_lumicast_journal_keys").call(this, cursor, index, kind, into);
}

export function journalLoad(
  this: void,
  cursor: ArrayBuffer,
  index: ArrayBuffer,
  kind: number,
  columns: ArrayBuffer,
  capacity: number,
): number {
  return native<number>("xs_lumicast_journal_load").call(
    this,
    cursor,
    index,
    kind,
    columns,
    capacity,
  );
}

export function journalRead(
  this: void,
  cursor: ArrayBuffer,
  index: ArrayBuffer,
  key: number,
  into: Uint8Array,
): number {
  return native<number>("xs_lumicast_journal_read").call(this, cursor, index, key, into);
}

/** Sets size, eraseBytes and programBytes of `geometry`, or says what is wrong. */
export function flashOpen(this: void, geometry: object): string | undefined {
  return native<string | undefined>("xs_lumicast_flash_open").call(this, geometry);
}

export function flashRead(this: void, offset: number, into: Uint8Array): boolean {
  return native<boolean>("xs_lumicast_flash_read").call(this, offset, into);
}

export function flashProgram(this: void, offset: number, bytes: Uint8Array): boolean {
  return native<boolean>("xs_lumicast_flash_program").call(this, offset, bytes);
}

export function flashErase(this: void, offset: number): boolean {
  return native<boolean>("xs_lumicast_flash_erase").call(this, offset);
}

/** From now on `port.onDatagram` is called; or what is wrong. `ports` besides 5683. */
export function netOpen(this: void, port: object, ...ports: number[]): string | undefined {
  return native<string | undefined>("xs_lumicast_net_open").call(this, port, ...ports);
}

export function netSend(
  this: void,
  address: Uint8Array,
  port: number,
  fromPort: number,
  bytes: Uint8Array,
): boolean {
  return native<boolean>("xs_lumicast_net_send").call(this, address, port, fromPort, bytes);
}

/** From now on `port.onEdge` is called. */
export function listenToButton(this: void, port: object): undefined {
  return native<undefined>("xs_lumicast_button").call(this, port);
}

export function showLight(
  this: void,
  level: number,
  mired: number,
  x: number | undefined,
  y: number | undefined,
): undefined {
  return native<undefined>("xs_lumicast_light").call(this, level, mired, x, y);
}

export function restartNow(this: void, reason: string): never {
  return native<never>("xs_lumicast_restart").call(this, reason);
}

/** Why the board restarted last, when that was not the power: a fatal error, the watchdog. */
export function restartReason(this: void): string | undefined {
  return native<string | undefined>("xs_lumicast_restart_reason").call(this);
}
