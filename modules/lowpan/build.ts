/**
 * From a packet to frames: one when it fits, else FRAG1 and FRAGNs (RFC 4944 §5.3):
 *
 *     1 1 0 0 0 size(11) | tag(16)             and the compressed headers
 *     1 1 1 0 0 size(11) | tag(16) | offset(8)
 *
 * `size` is that of the packet uncompressed, and so are the offsets, in units of 8 bytes. All
 * fragments but the last end on such a unit; the first counts its headers uncompressed.
 */
import { Address, MESH } from "./address.js";
import { HEADER_BYTES_MAX, plainHeaderBytes, putHeaders } from "./compress.js";
import { FRAME_BYTES_MAX, type MacHeader, putMac } from "./mac.js";
import type { Packet } from "./packet.js";

export const DISPATCH_FRAG1 = 0xc0;
export const DISPATCH_FRAGN = 0xe0;
export const FRAG1_BYTES = 4;
export const FRAGN_BYTES = 5;

export class FrameBuilder {
  readonly #prefix: Uint8Array;
  readonly #frame = new Uint8Array(FRAME_BYTES_MAX + HEADER_BYTES_MAX);
  readonly #link = { source: new Address(), destination: new Address() };
  #tag: number;

  /** `firstTag`: fragments of a sender before a restart and after it should not meet. */
  constructor(prefix: Uint8Array, firstTag: number) {
    this.#prefix = prefix;
    this.#tag = firstTag;
  }

  /** The frames of one packet, in order; the sequence number is the sender's to set. */
  frames(packet: Packet, payload: Uint8Array, mac: MacHeader): Uint8Array[] {
    const frame = this.#frame;
    const link = this.#link;
    link.source.setLink(MESH, mac.sourceHigh, mac.sourceLow);
    link.destination.setLink(MESH, mac.destinationHigh, mac.destinationLow);
    const macBytes = putMac(frame, mac);
    const payloadAt = putHeaders(frame, macBytes, packet, link, this.#prefix);
    const end = payloadAt + payload.length;
    if (end > FRAME_BYTES_MAX) return this.fragments(packet, payload, { macBytes, payloadAt });
    frame.set(payload, payloadAt);
    return [frame.slice(0, end)];
  }

  private fragments(
    packet: Packet,
    payload: Uint8Array,
    at: { macBytes: number; payloadAt: number },
  ): Uint8Array[] {
    const frame = this.#frame;
    const { macBytes, payloadAt } = at;
    const plainBytes = plainHeaderBytes(packet);
    const size = plainBytes + payload.length;
    const frames: Uint8Array[] = [];
    const mac = frame.slice(0, macBytes);
    const headers = frame.slice(macBytes, payloadAt);
    this.#tag = (this.#tag + 1) % 65536;
    let done = units(plainBytes + FRAME_BYTES_MAX - payloadAt - FRAG1_BYTES) - plainBytes;
    const first = new Uint8Array(payloadAt + FRAG1_BYTES + done);
    first.set(mac);
    this.putFragment(first, macBytes, DISPATCH_FRAG1, size);
    first.set(headers, macBytes + FRAG1_BYTES);
    first.set(payload.slice(0, done), payloadAt + FRAG1_BYTES);
    frames.push(first);
    const room = units(FRAME_BYTES_MAX - macBytes - FRAGN_BYTES);
    while (done < payload.length) {
      const part = payload.slice(done, done + room);
      const next = new Uint8Array(macBytes + FRAGN_BYTES + part.length);
      next.set(mac);
      this.putFragment(next, macBytes, DISPATCH_FRAGN, size);
      next[macBytes + FRAG1_BYTES] = (plainBytes + done) / 8;
      next.set(part, macBytes + FRAGN_BYTES);
      frames.push(next);
      done += part.length;
    }
    return frames;
  }

  private putFragment(out: Uint8Array, at: number, dispatch: number, size: number): void {
    out[at] = dispatch | (size >> 8);
    out[at + 1] = size & 255;
    out[at + 2] = this.#tag >> 8;
    out[at + 3] = this.#tag & 255;
  }
}

/** The largest multiple of 8 not above `bytes`. */
function units(bytes: number): number {
  return bytes - (bytes % 8);
}
