/**
 * What is counted on XS: the same program on the headless host under callgrind and on an emulated
 * Cortex-M4. Bundled by counts.ts, run by `lumicast test`.
 */
import { parseMessage } from "../../modules/coap/message.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Arrival, OpenContext, Signed } from "../../modules/profiles/profile.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import { host } from "../../platforms/headless/host.js";
import { underItsKeys } from "../bench/unsigned.js";
import { departureOf, destinationOf } from "./command.js";
import { type Counted, Measured } from "./measured.js";
import { receiverOf, senderOf, signs, VARIANTS, type Variant } from "./variants.js";

export interface Wish {
  /** Names of variants. */
  readonly variants: readonly string[];
  readonly samples: number;
  readonly heap: boolean;
}

/** Bytes of heap, AES keys included. */
export interface Heap {
  readonly of: string;
  readonly association: number;
  readonly recipient: number;
}

export interface Worked {
  readonly provider: string | undefined;
  readonly counted: readonly Counted[];
  readonly heap: readonly Heap[];
}

/** platforms/native/xs13/natives_crypto.c, struct key: the schedule and two sizes. */
const AES_KEY_BYTES = 184;
const HEAP_COUNT = 16;

export function run(wish: Wish): number {
  const bench = new Measured(wish.samples);
  const crypto = new HostCrypto();
  const variants = VARIANTS.filter(({ name }) => wish.variants.includes(name));
  for (const variant of variants) {
    for (let i = 0; i < wish.samples; i++) cost(bench, variant, crypto, i);
  }
  const heap = wish.heap ? variants.map((variant) => heapOf(variant, crypto)) : [];
  const worked = { provider: crypto.signatures?.provider, counted: bench.counted, heap };
  host().print(JSON.stringify(worked));
  return 0;
}

/** One message from one end to the other. */
function cost(bench: Measured, variant: Variant, crypto: Crypto, round: number): void {
  const { name, profile } = variant;
  const { signatures } = crypto;
  const quick = underItsKeys(crypto, () => false);
  const sender = senderOf(variant, quick);
  const receiver = receiverOf(variant, quick);
  const theirs = profile.peer?.(quick, sender.key, receiver.member);
  const peer = profile.peer?.(quick, receiver.key, sender.member);
  const departure = (sequence: number) =>
    departureOf(variant, sender, { name: "full", sequence, peer: theirs });
  const work = new Workspace();
  const arrival: Arrival = {
    outer: new Outer(),
    option: new OscoreOption(),
    to: destinationOf(variant),
  };
  const context = { appGroup: { id: 1 }, request: undefined, work: new Workspace(), peer };
  // What is derived once is derived with the first message.
  mustOpen(variant, receiver.key, arrival, context, profile.seal(sender.key, departure(1), work));
  const next = departure(2 + round);
  let bytes = new Uint8Array(0);
  bench.measure(name, "seal", () => {
    bytes = profile.seal(sender.key, next, work) as Uint8Array<ArrayBuffer>;
  });
  bench.measure(name, "open", () => mustOpen(variant, receiver.key, arrival, context, bytes));
  if (signatures === undefined || !signs(variant)) return;
  if (variant.pairwise === true) {
    const signer = signatures.signer(new Uint8Array(32).fill(5));
    const { publicKey } = signatures.signer(new Uint8Array(32).fill(6));
    bench.measure(name, "agree", () => void signer.agree(publicKey));
    return;
  }
  const signer = signatures.signer(new Uint8Array(32).fill(5));
  let data = new Uint8Array(0);
  bench.measure(name, "signed", () => {
    const signed = profile.signed?.(receiver.key, arrival, context) as Signed;
    data = signed.data as Uint8Array<ArrayBuffer>;
  });
  let signature = new Uint8Array(0);
  bench.measure(name, "sign", () => {
    signature = signer.sign(data) as Uint8Array<ArrayBuffer>;
  });
  const { publicKey } = signer;
  let genuine = false;
  bench.measure(name, "verify", () => {
    genuine = signatures.verify({ data, signature, publicKey });
  });
  if (!genuine) throw new Error(`${name}: a signature does not verify`);
}

/** From the datagram's bytes to the message inside; no signature is looked at. */
function mustOpen(
  { name, profile }: Variant,
  key: unknown,
  arrival: Arrival,
  context: OpenContext<unknown>,
  bytes: Uint8Array,
): void {
  const { outer } = arrival;
  let opened = false;
  if (profile.unwrap !== undefined) {
    outer.bytes = bytes;
    const record = profile.identify(arrival, "request") && profile.unwrap(key, arrival, context);
    opened = record !== false && record.ok && parseMessage(record.value).ok;
  } else if (outer.scan(bytes) && profile.identify(arrival, "request")) {
    opened = profile.open(key, arrival, context).ok;
  }
  if (!opened) throw new Error(`${name}: our own message does not open`);
}

/** What one association, and one recipient context of it, take: slots, chunks and AES keys. */
function heapOf(variant: Variant, real: Crypto): Heap {
  let keys = 0;
  const crypto: Crypto = {
    ...underItsKeys(real, () => false),
    aeadKey: (algorithm, raw) => {
      keys++;
      return real.aeadKey(algorithm, raw);
    },
  };
  const bytes = () => host().usage().liveBytes + keys * AES_KEY_BYTES;
  const each = (make: () => unknown) => {
    const kept: unknown[] = new Array(HEAP_COUNT).fill(make());
    const before = bytes();
    for (let i = 1; i < HEAP_COUNT; i++) kept[i] = make();
    return Math.round((bytes() - before) / (kept.length - 1));
  };
  const { profile, name } = variant;
  const association = each(() => {
    // As groups/keyring.ts has it.
    const { key } = receiverOf(variant, crypto);
    return { index: 0, security: undefined, lifetime: undefined, ...key };
  });
  const { key } = receiverOf(variant, crypto);
  const { member } = senderOf(variant, crypto);
  const recipient = each(() => {
    const peer = profile.peer?.(crypto, key, member);
    // Keys between two are derived with the first message.
    if (variant.pairwise === true) pairUp(variant, crypto, key, peer);
    return peer;
  });
  return { of: name, association, recipient };
}

function pairUp(variant: Variant, crypto: Crypto, key: unknown, peer: unknown): void {
  const wish = { name: "full", sequence: 1, peer } as const;
  const departure = departureOf(variant, receiverOf(variant, crypto), wish);
  variant.profile.seal(key, departure, new Workspace());
}
