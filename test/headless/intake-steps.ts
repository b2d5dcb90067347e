/** Steps of a script for intake-device.ts, as bytes; and what a sender can put into a datagram. */
import { concat } from "../../modules/bytes/concat.js";
import { coapUint } from "../../modules/bytes/uint.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { emitOptions, type Option } from "../../modules/coap/message.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { ROLE } from "../../modules/device/provision.js";
import { AES_CCM_16_64_128 } from "../../modules/ports/crypto.js";
import { ADDRESS, STEP, UNICAST } from "./intake-device.js";

export { ADDRESS, UNICAST };

export type Step = Uint8Array;

function step(kind: number, ...parts: Uint8Array[]): Step {
  const body = concat(...parts);
  return concat(Uint8Array.of(kind, body.length >> 8, body.length), body);
}

/** Power on, with this provisioning: the first step, or a restart. */
export function start(blob: Uint8Array): Step {
  return step(STEP.START, blob);
}

export function wait(micros: number): Step {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, micros);
  return step(STEP.WAIT, bytes);
}

/** A newer key: all its bytes are `fill`. */
export function install(security: number, keyId: number, fill: number): Step {
  return step(STEP.KEY, Uint8Array.of(security, keyId, fill));
}

/** The program unit `ahead` units beyond the log's end refuses from now on. */
export function wear(ahead: number): Step {
  return step(STEP.WEAR, Uint8Array.of(0, 0, 0, ahead));
}

/** Native help is given this genuine datagram, and buffers of wrong sizes. */
export function hostile(bytes: Uint8Array, to: Place): Step {
  return step(STEP.HOSTILE, placeBytes(to), bytes);
}

export interface Place {
  readonly address: Uint8Array;
  readonly port: number;
}

export function arrive(bytes: Uint8Array, to: Place): Step {
  return step(STEP.DATAGRAM, placeBytes(to), bytes);
}

/** A script has 64 KB: the two addresses of the lamp take a byte. */
function placeBytes({ address, port }: Place): Uint8Array {
  if (address === ADDRESS) return Uint8Array.of(0, port >> 8, port);
  if (address === UNICAST) return Uint8Array.of(1, port >> 8, port);
  return Uint8Array.of(address.length, ...address, port >> 8, port);
}

export interface Group {
  readonly id: number;
  readonly security: number;
  readonly port: number;
  readonly keys: readonly { id: readonly number[]; fill: number; messages?: number }[];
}

/** The CBOR map of modules/device/provision.ts; a luminaire shows commands at once. */
export function provisioning(options: {
  own: readonly number[];
  /** A luminaire unless named. */
  role?: number;
  groups: readonly Group[];
  rights: readonly (readonly [client: Uint8Array, group: number | null, level: number])[];
}): Uint8Array {
  const { own, groups, rights, role = ROLE.LUMINAIRE } = options;
  const securities = groups.filter(
    ({ security }, i) => groups.findIndex((one) => one.security === security) === i,
  );
  const keyPart = ({ id, fill, messages }: Group["keys"][number]) =>
    new Map<Cbor, Cbor>([
      [0, Uint8Array.from(id)],
      [1, new Uint8Array(16).fill(fill)],
      ...(messages === undefined ? [] : [[3, messages] as [Cbor, Cbor]]),
    ]);
  return encode(
    new Map<Cbor, Cbor>([
      [0, 1],
      [1, Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 9)],
      [2, role],
      [3, Uint8Array.from(own)],
      [
        4,
        securities.map(
          ({ security, keys }) =>
            new Map<Cbor, Cbor>([
              [0, security],
              [1, "lowlatency"],
              [2, keys.map(keyPart)],
              [3, 40_000],
            ]),
        ),
      ],
      [
        5,
        groups.map(
          ({ id, security, port }) =>
            new Map<Cbor, Cbor>([
              [0, id],
              [1, security],
              [2, ADDRESS],
              [3, port],
            ]),
        ),
      ],
      [6, rights.map(([client, group, level]) => [client, group, level])],
      ...(role === ROLE.LUMINAIRE ? [] : [[7, groups[0].id] as [Cbor, Cbor]]),
      [8, new Map<Cbor, Cbor>([[0, 0]])],
    ]),
  );
}

/** A datagram to the last bit; what is left out is as it should be. */
export interface Wish {
  readonly group: Group;
  readonly sender: readonly number[];
  readonly sequence: number;
  readonly keyId?: readonly number[];
  readonly fill?: number;
  readonly to?: Place;
  /** CoAP header: version and type in the first byte, without the token's length. */
  readonly first?: number;
  /** In place of the token's length. */
  readonly tokenLength?: number;
  readonly token?: readonly number[];
  readonly outerCode?: number;
  /** Above the length of the partial IV. */
  readonly flags?: number;
  readonly piv?: readonly number[];
  /** Value of the application group's option; undefined: of the group. */
  readonly groupOption?: readonly number[];
  /** Options outside, in place of the scheme's two when `isWhole`. */
  readonly outside?: readonly Option[];
  readonly isWhole?: boolean;
  readonly plain?: readonly number[];
}

const OSCORE = 9;
const APP_GROUP = 65001;
const crypto = new TsCrypto();
const ivs = new Map<number, Uint8Array>();

/** POST /l {0: true}, or off. */
export const ON = Object.freeze([0x02, 0xb1, 0x6c, 0xff, 0xa1, 0x00, 0xf5]);
export const OFF = Object.freeze([0x02, 0xb1, 0x6c, 0xff, 0xa1, 0x00, 0xf4]);

/** WIRE.md `lowlatency`, written down a second time: it seals what the profile would refuse to. */
export function craft(wish: Wish): Uint8Array {
  const { group, sender, sequence } = wish;
  const key = group.keys.at(-1);
  const keyId = wish.keyId ?? key?.id ?? [];
  const fill = wish.fill ?? key?.fill ?? 0;
  const to = wish.to ?? { address: ADDRESS, port: group.port };
  const piv = wish.piv ?? (sequence === 0 ? [0] : [...coapUintOf(sequence)]);
  const others = wish.isWhole === true ? [] : [...(wish.outside ?? [])];
  const aad = encode([
    "Encrypt0",
    new Uint8Array(0),
    encode([
      ...[1, AES_CCM_16_64_128, group.id, Uint8Array.from(keyId)],
      ...[Uint8Array.from(sender), Uint8Array.from(piv)],
      ...[Uint8Array.from(sender), Uint8Array.from(piv)],
      ...[to.address, to.port, emitOptions(others)],
    ]),
  ]);
  const nonce = ivOf(fill).slice();
  // Of an id of more than 8 bytes, which is nobody's, the last 8.
  sender.slice(-8).forEach((byte, i, id) => {
    nonce[8 - id.length + i] ^= byte;
  });
  piv.forEach((byte, i) => {
    nonce[13 - piv.length + i] ^= byte;
  });
  const aead = crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(16).fill(fill));
  const plain = Uint8Array.from(wish.plain ?? ON);
  const sealed = aead.seal({ nonce, aad, plain });
  const value = Uint8Array.of(
    (wish.flags ?? 0x18) | piv.length,
    ...[...piv, keyId.length, ...keyId, ...sender],
  );
  const own = [
    { number: OSCORE, value },
    { number: APP_GROUP, value: Uint8Array.from(wish.groupOption ?? coapUint(group.id)) },
  ];
  const options = wish.isWhole === true ? [...(wish.outside ?? [])] : [...own, ...others];
  options.sort((a, b) => a.number - b.number);
  const token = wish.token ?? [];
  const first = (wish.first ?? 0x50) | (wish.tokenLength ?? token.length);
  const head = Uint8Array.of(first, wish.outerCode ?? 2, sequence >> 8, sequence, ...token);
  return concat(head, emitOptions(options), Uint8Array.of(0xff), sealed);
}

/** The options of the scheme as `craft` would write them. */
export function ownOptions(group: Group, value: readonly number[]): Option[] {
  return [
    { number: OSCORE, value: Uint8Array.from(value) },
    { number: APP_GROUP, value: coapUint(group.id) },
  ];
}

function ivOf(fill: number): Uint8Array {
  const known = ivs.get(fill);
  if (known !== undefined) return known;
  const iv = crypto.hkdf({
    salt: new Uint8Array(0),
    secret: new Uint8Array(16).fill(fill),
    info: encode(["lowlatency", AES_CCM_16_64_128, "IV", 13]),
    length: 13,
  });
  ivs.set(fill, iv);
  return iv;
}

/** Up to 2^40 - 1, big-endian, minimal. */
function coapUintOf(number: number): number[] {
  const bytes: number[] = [];
  for (let rest = number; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}
