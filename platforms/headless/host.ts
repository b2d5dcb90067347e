/**
 * The natives of the headless host (natives_*.c), found as the global object `lumicastHost`.
 *
 * They are thin on purpose: what a natives file documents is not repeated here. Numbers are whole
 * unless said otherwise; misuse throws RangeError or TypeError.
 */
import type { Button, Sensor } from "../../modules/ports/button.js";
import type { AeadKey, P256, Signatures } from "../../modules/ports/crypto.js";
import type { DatagramPort } from "../../modules/ports/datagram.js";
import type { Journal } from "../../modules/ports/flash.js";
import type { PatternName } from "../../modules/ports/indicator.js";
import type { BoundIntake, BoundMembers, IntakeState } from "../../modules/ports/intake.js";
import type { Radio } from "../../modules/ports/radio.js";

/** Memory and collector figures; see `struct usage` in host.h. Bytes unless named otherwise. */
export interface Usage {
  readonly liveBytes: number;
  readonly peakBytes: number;
  readonly slots: number;
  readonly chunks: number;
  readonly peakSlots: number;
  readonly peakChunks: number;
  readonly stackPeak: number;
  readonly keys: number;
  readonly reservedBytes: number;
  readonly limitBytes: number;
  readonly codeBytes: number;
  readonly rootBytes: number;
  readonly gcCount: number;
  readonly gcMicros: number;
  /** Collections while a datagram went from the ring to the light port. */
  readonly gcOnPath: number;
}

export interface Host {
  /** Microseconds since boot, virtual on the medium. */
  micros(): number;
  /** A handle for cancel; at most 256 timers are pending at once. */
  after(delayMicros: number, fire: () => void): number;
  cancel(handle: number): void;

  random(into: Uint8Array): void;
  aeadKey(algorithm: number, raw: Uint8Array): AeadKey;
  sha256(data: Uint8Array): Uint8Array;
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  hkdf(salt: Uint8Array, secret: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array;

  /** Where the host was built with libsodium. */
  readonly signatures?: Signatures;

  /** Where it was built with libmbedcrypto. */
  readonly p256?: P256;

  /** Takes the virtual time that libsodium would: 0 to sign, 1 to verify, 2 to agree. */
  chargeSignature(kind: 0 | 1 | 2): void;

  /** modules/ports/intake.ts */
  intakeBind(state: IntakeState): BoundIntake;
  /** modules/ports/intake-member.ts; only in images with schemes that have members. */
  intakeBindMembers?(state: IntakeState): BoundMembers;
  /** modules/ports/flash.ts */
  readonly journalScan: Journal["scan"];
  readonly journalRead: Journal["read"];
  readonly journalIsErased: Journal["isErased"];
  readonly journalKeys: Journal["keys"];
  readonly journalLoad: Journal["load"];
  readonly journalHeads: Journal["heads"];

  flashSize(): number;
  flashProgramBytes(): number;
  flashRead(offset: number, into: Uint8Array): void;
  flashProgram(offset: number, bytes: Uint8Array): boolean;
  flashErase(offset: number): boolean;

  /** Of one slot; 0 without --slots. The others are about the slot that does not run. */
  slotSize(): number;
  slotRunning(): 0 | 1;
  slotOnTrial(): boolean;
  slotRead(offset: number, into: Uint8Array): void;
  slotProgram(offset: number, bytes: Uint8Array): boolean;
  slotErase(offset: number): boolean;
  slotActivate(size: number, digest: Uint8Array): boolean;
  slotConfirm(): boolean;
  /** The program starts anew. Where the host can; the emulated board cannot. */
  restart?(why: string): never;

  /** Once: from now on events go to these objects' callbacks. */
  attach(ports: {
    radio: Radio | undefined;
    button: Button;
    sensor: Sensor;
    datagram: DatagramPort | undefined;
  }): void;
  /** True when a medium grants time and carries frames; false stand-alone. */
  medium(): boolean;
  radioSend(frame: Uint8Array): number;
  radioAddress(pan: number, short: number): void;
  eui64(): Uint8Array;
  light(level: number, mired: number, x?: number, y?: number): void;
  lampFailed(): boolean;
  /** The emulated board has no status LED. */
  indicator?(pattern: PatternName): void;
  trace(event: string): void;
  log(line: string): void;
  fatal(line: string): never;
  provisioning(): Uint8Array | undefined;

  /** The interface's unicast address; the first call opens the sockets. IPv6 only. */
  udpAddress(): Uint8Array;
  udpJoin(group: Uint8Array): boolean;
  udpLeave(group: Uint8Array): void;
  udpSend(address: Uint8Array, port: number, fromPort: number, bytes: Uint8Array): boolean;

  /** For suites and benchmarks. */
  print(...text: string[]): void;
  gc(): void;
  usage(): Usage;
  counters(): Record<string, number>;
  /** Real monotonic nanoseconds, not whole. */
  nanos(): number;
}

declare global {
  const lumicastHost: Host;
}

/** Throws ReferenceError where there is no headless host: on Node, for one. */
export function host(): Host {
  return lumicastHost;
}
