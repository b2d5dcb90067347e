/**
 * A stranger with a radio who knows RFC 6282, RFC 6347 and how tokens look, and has no key: frames
 * for `Medium.inject`.
 */
import { claimsOf, issueToken } from "../../modules/access/token.js";
import { emitMessage, NON, type Option } from "../../modules/coap/message.js";
import { addPath, POST } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { DtlsEndpoint } from "../../modules/dtls/endpoint.js";
import { helloVerifyRequest, wholeMessage } from "../../modules/dtls/messages.js";
import { DTLS_1_0, HANDSHAKE, HELLO_VERIFY_REQUEST } from "../../modules/dtls/numbers.js";
import { plainRecord } from "../../modules/dtls/records.js";
import { LowpanStack } from "../../modules/lowpan/stack.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import type { Radio } from "../../modules/ports/radio.js";
import { centerOf } from "./authority.js";
import { TestClock } from "./clock.js";
import { SeededRandom } from "./random.js";

export interface Mesh {
  readonly pan: number;
  readonly prefix: Uint8Array;
}

/** Frames of a datagram from short address `short`, as a radio would be handed them. */
export function framesOf(
  { pan, prefix }: Mesh,
  from: { short: number; port: number },
  to: Endpoint,
  bytes: Uint8Array,
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const radio: Radio = {
    eui64: Uint8Array.of(2, 0xee, 0, 0, 0, 0, from.short >> 8, from.short & 0xff),
    setAddress: () => {},
    onSent: undefined,
    onFrame: undefined,
    send: (frame) => frames.push(frame.slice()),
  };
  const random = new SeededRandom(from.short);
  const trace = { count: () => {} };
  const parts = { radio, clock: new TestClock(), random, trace };
  const stack = new LowpanStack({ ...parts, pan, short: from.short, prefix });
  stack.send({ to, fromPort: from.port, bytes });
  // One at a time goes to the radio; ids count the frames.
  for (let id = 1; id === frames.length; id++) {
    radio.onSent?.({ id, acked: true, transmitted: true });
  }
  return frames;
}

/** A ClientHello, without a cookie or with one that nobody gave it. */
export function hello(seed: number, hasCookie: boolean): Uint8Array {
  const sent: Uint8Array[] = [];
  const parts = { clock: new TestClock(), random: new SeededRandom(seed), crypto: new TsCrypto() };
  const nothing = { opened: () => {}, data: () => {}, closed: () => {} };
  const dtls = new DtlsEndpoint(parts, {}, { ...nothing, send: (_, bytes) => sent.push(bytes) });
  const to = { address: new Uint8Array(16), port: 5684 };
  const psk = { identity: new Uint8Array(8).fill(seed), key: new Uint8Array(16) };
  dtls.connect(to, { credentials: { psk } });
  if (hasCookie) {
    const body = helloVerifyRequest(new Uint8Array(16).fill(seed));
    const bytes = wholeMessage({ type: HELLO_VERIFY_REQUEST, sequence: 0, body });
    dtls.receive(to, plainRecord(HANDSHAKE, 0, bytes, DTLS_1_0));
  }
  return sent[sent.length - 1];
}

/** What was sent to one address, put together from what was on the air. */
export function overheard(
  { pan, prefix }: Mesh,
  short: number,
  frames: readonly Uint8Array[],
): Uint8Array[] {
  const heard: Uint8Array[] = [];
  const radio: Radio = {
    eui64: Uint8Array.of(2, 0xee, 1, 0, 0, 0, short >> 8, short & 0xff),
    setAddress: () => {},
    onSent: undefined,
    onFrame: undefined,
    send: () => 1,
  };
  const parts = { radio, clock: new TestClock(), random: new SeededRandom(1) };
  const stack = new LowpanStack({ ...parts, trace: { count: () => {} }, pan, short, prefix });
  stack.onDatagram = ({ bytes }) => heard.push(bytes.slice());
  for (const frame of frames) radio.onFrame?.(frame, 0);
  return heard;
}

/** A token that says more than one that was overheard, signed by who knows no KDC's key. */
export function forgedToken(genuine: Uint8Array, kid: Uint8Array): Uint8Array {
  const claims = claimsOf(genuine);
  if (claims === undefined) throw new Error("what was overheard is no token");
  const { crypto, voucher } = centerOf();
  const newer = { ...claims, issuedAt: claims.issuedAt + 1000, id: Uint8Array.of(0x66) };
  return issueToken(crypto, { claims: newer, voucher, kid });
}

/** It shows a token to somebody, in the clear. */
export function presentation(mid: number, payload: Uint8Array): Uint8Array {
  const options: Option[] = [];
  addPath(options, "/authz-info");
  const token = Uint8Array.of(mid & 0xff, 1);
  return emitMessage({ type: NON, code: POST, mid, token, options, payload });
}
