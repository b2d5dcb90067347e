/**
 * What opening one request costs under a scheme: from the bytes to the message inside, with no
 * window, no rights and no signature looked at. TypeScript throughout, but for the AEAD.
 *
 * Every scheme gets the same command of the same 50 senders, taking turns.
 */
import { uintBytes } from "../../modules/bytes/uint.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { POST, URI_PATH } from "../../modules/coap/options.js";
import { encodeCommand } from "../../modules/lighting/command.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import { AES_CCM_16_64_128, ECDH_SS_HKDF_256, EDDSA } from "../../modules/ports/crypto.js";
import { groupOscore } from "../../modules/profiles/group-oscore.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { KeyMaterial, Profile } from "../../modules/profiles/profile.js";
import { claimsSet } from "../installation/claims-set.js";
import type { Engine } from "./engine.js";
import { unsigned } from "./unsigned.js";

const SENDERS = 50;
const TO = { address: new Array(16).fill(0xff), port: 5683 };

/** A profile as a receiver and all senders have it. */
interface Scheme<K extends KeyMaterial, P> {
  readonly profile: Profile<K, P>;
  readonly keyId: Uint8Array;
  readonly raw: () => Uint8Array;
  /** As `Member.credential`. */
  readonly credential: (publicKey: Uint8Array) => Uint8Array;
  readonly idBytes: number;
}

// biome-ignore lint/suspicious/noExplicitAny: each scheme has its own keys
const SCHEMES: Readonly<Record<string, () => Scheme<any, any>>> = {
  lowlatency: () => ({
    profile: lowlatency,
    keyId: Uint8Array.of(7),
    raw: () => new Uint8Array(16).fill(7),
    credential: () => new Uint8Array(0),
    idBytes: 8,
  }),
  "group-oscore": () => ({
    profile: groupOscore,
    keyId: Uint8Array.of(0x44, 0x61, 0x6c),
    raw: () =>
      encode(
        new Map<Cbor, Cbor>([
          [1, new Uint8Array(16).fill(1)],
          [2, new Uint8Array(8).fill(2)],
          [3, AES_CCM_16_64_128],
          [4, AES_CCM_16_64_128],
          [5, EDDSA],
          [6, ECDH_SS_HKDF_256],
          [7, claimsSet(new Uint8Array(32).fill(9))],
        ]),
      ),
    credential: claimsSet,
    idBytes: 1,
  }),
};

/** Nothing is looked at of them. */
const keyOf = (publicKey: Uint8Array) => ({ publicKey, agree: () => undefined });

/** Microseconds of each message. */
export function opening(
  { crypto: real, nowMicros }: Engine,
  name: string,
  samples: number,
  prepareOnly: boolean,
): number[] {
  const { profile, keyId, raw, credential, idBytes } = SCHEMES[name]();
  const crypto = unsigned(real, { keyOf, verify: () => false });
  const to = { address: Uint8Array.from(TO.address), port: TO.port };
  const appGroup = { id: 1 };
  const work = new Workspace();
  const theirs = new Workspace();
  const senders = Array.from({ length: SENDERS }, (_, i) => {
    const id = new Uint8Array(idBytes).fill(i + 1);
    const publicKey = new Uint8Array(32).fill(i);
    const own = {
      id,
      credential: credential(publicKey),
      signer: crypto.signatures?.signer(publicKey),
    };
    return { own, key: profile.importKey(crypto, { keyId, raw: raw(), own, addresses: [] }) };
  });
  const { key } = senders[0];
  const peers = senders.map(({ own }) => profile.peer?.(crypto, key, own));
  const outer = new Outer();
  const option = new OscoreOption();
  const arrival = { outer, option, to };
  const times: number[] = [];
  for (let i = 0; i < samples; i++) {
    const from = senders[i % SENDERS];
    const bytes = profile.seal(
      from.key,
      {
        header: { type: 1, mid: i % 65536, token: new Uint8Array(0) },
        inner: {
          code: POST,
          options: [{ number: URI_PATH, value: Uint8Array.of(0x6c) }],
          payload: encodeCommand({ on: true, level: 1 + (i % 254) }),
        },
        clear: [],
        appGroup,
        sender: from.own.id,
        piv: uintBytes(1 + Math.floor(i / SENDERS)),
        to,
        request: undefined,
      },
      theirs,
    );
    const peer = peers[i % SENDERS];
    const start = nowMicros();
    const found = !prepareOnly && outer.scan(bytes) && profile.identify(arrival, "request");
    const isOpen =
      found && profile.open(key, arrival, { appGroup, request: undefined, work, peer });
    times.push(nowMicros() - start);
    if (!prepareOnly && !(isOpen as { ok: boolean }).ok) throw new Error("it does not open");
  }
  return times;
}
