/** A room whose devices prove themselves by keys of their own, raw or by certificates. */
import { toHex } from "../../modules/bytes/hex.js";
import type { Cbor } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import type {
  ClientCredentials,
  OwnKey,
  ServerCredentials,
  Trust,
} from "../../modules/dtls/credentials.js";
import type { P256KeyPair } from "../../modules/ports/crypto.js";
import { AUTHORITY, certificateOf, keyPair } from "./certificates.js";
import { NOW } from "./grants.js";
import { Place } from "./place.js";

const crypto = new TsCrypto();
/** Private keys are so many bytes of the same. */
const ISSUER = 99;
const CENTER = 98;
export const OPERATOR = 97;
export const STRANGER = 96;

/** Each number's pair is made once: on XS it takes a while. */
class Keys {
  readonly #pairs = new Map<number, P256KeyPair>();

  of(number: number): P256KeyPair {
    const made = this.#pairs.get(number) ?? keyPair(number);
    this.#pairs.set(number, made);
    return made;
  }
}

export class KeyedPlace extends Place {
  declare protected keys: Keys | undefined;
  /** Who says that it is the KDC. */
  as: number | undefined;

  pair(number: number): P256KeyPair {
    this.keys ??= new Keys();
    return this.keys.of(number);
  }

  override idOf(number: number): Uint8Array {
    return crypto.sha256(this.pair(number).publicKey);
  }

  /** Certificates of `number`, by the place's issuer. */
  certificate(number: number, name: string, by = ISSUER): Uint8Array {
    return certificateOf({
      ...{ subject: name, issuer: "maker", key: this.pair(number), by: this.pair(by) },
      from: "200101000000Z",
      to: "400101000000Z",
    });
  }

  root(by = ISSUER): Uint8Array {
    const pair = this.pair(by);
    const names = { subject: "maker", issuer: "maker" };
    const times = { from: "200101000000Z", to: "400101000000Z" };
    return certificateOf({ ...names, ...times, key: pair, by: pair, extensions: [AUTHORITY] });
  }

  own(number: number, name = number === CENTER ? "kdc" : `device ${number}`): OwnKey {
    return { key: this.pair(number), chain: [this.certificate(number, name)] };
  }

  protected override server(): ServerCredentials {
    const place = this;
    return {
      get own() {
        return place.own(place.as ?? CENTER);
      },
      trust: devicesOf(this),
    };
  }

  protected override clientFor(): ClientCredentials {
    return { own: this.own(this.as ?? CENTER), trust: devicesOf(this) };
  }

  /** Field 21 by keys: `more` in place of what is usual. */
  keyed(number: number, more: readonly (readonly [number, Cbor])[] = []): Map<Cbor, Cbor> {
    const part = this.part(number, []);
    part.delete(4);
    part.delete(5);
    const whole = new Map<Cbor, Cbor>([
      ...part,
      [11, new Uint8Array(32).fill(number)],
      [14, this.pair(CENTER).publicKey],
      ...more,
    ]);
    return inOrder(whole);
  }

  /** The same by certificates. */
  certified(number: number, more: readonly (readonly [number, Cbor])[] = []): Map<Cbor, Cbor> {
    return this.keyed(number, [
      [12, [[this.certificate(number, `device ${number}`)]]],
      [13, [[this.root()]]],
      [14, "kdc"],
      ...more,
    ]);
  }
}

/** Nothing of the class's own: it is wanted before its constructor has begun. */
function devicesOf(place: KeyedPlace): Trust {
  const isDevice = (key: Uint8Array) =>
    [1, 2, 3, 4].some((one) => toHex(place.pair(one).publicKey) === toHex(key));
  return { rawKey: isDevice, anchors: [place.root()], nowSeconds: () => NOW };
}

function inOrder(map: Map<Cbor, Cbor>): Map<Cbor, Cbor> {
  return new Map([...map].sort(([a], [b]) => (a as number) - (b as number)));
}
