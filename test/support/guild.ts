/**
 * A security group of a scheme with a key for each member, as provisioning has it and as an
 * attacker who is a member could use it. Members are devices of the room by number; each one's id
 * is its number in one byte, and it signs with a fake key (fake-signatures.ts).
 */
import { uintBytes } from "../../modules/bytes/uint.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { NON, type Option } from "../../modules/coap/message.js";
import { POST } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { schemes } from "../../modules/device/schemes.js";
import type { RecordCipher } from "../../modules/dtls/record.js";
import type { KeyOffer } from "../../modules/groups/keyring.js";
import { Workspace } from "../../modules/oscore/aad.js";
import type { Crypto, Signatures, Signer } from "../../modules/ports/crypto.js";
import type { Datagram, Endpoint } from "../../modules/ports/datagram.js";
import type { Own, Profile, RequestBinding } from "../../modules/profiles/profile.js";
import { address, deviceAddress } from "./addresses.js";
import { FakeSignatures } from "./fake-signatures.js";

export const GUILD_PORT = 5683;

/** Policies of a security group: what its requests may do before their signature is verified. */
export const DEFER = [
  [6, 1],
  [8, true],
] as const;
export const CHANGES = [
  [6, 2],
  [8, true],
] as const;

export interface GuildSpec {
  readonly profile: string;
  /** Of the security group and, but for 100 more, of its application group. */
  readonly id: number;
  /** Numbers of the devices. */
  readonly members: readonly number[];
  /** The first key id ends in this. */
  readonly epoch?: number;
  /** All bytes of the secret. */
  readonly fill?: number;
  /** Gids and Cids begin with this. */
  readonly prefix?: number;
  /** Application groups beside the first, on addresses of their own. */
  readonly moreGroups?: readonly number[];
  /** Where its requests go to; 5683 unless named. */
  readonly port?: number;
  /** Application groups at the same address, each on a port of its own. */
  readonly morePorts?: readonly (readonly [id: number, port: number])[];
  /** Devices that only listen. */
  readonly silent?: readonly number[];
  /** Genuine ones, where a suite is about them. */
  readonly signatures?: Signatures;
  /** Of members whose key is none of ours. */
  readonly publicKeys?: ReadonlyMap<number, Uint8Array>;
  /** Group Encryption Algorithm of `group-oscore`; 10 unless named. */
  readonly groupEncryption?: number;
  /** Of `dtls-record`: what is added to a member's CS_ID after the first epoch. */
  readonly renewal?: number;
  /** Of `oscore`: the ID Context, one byte; none unless named. */
  readonly idContext?: number;
  /** Of `dtls-record`: 0xff01, AES_128_CCM_8, unless named. */
  readonly suite?: number;
  /** Fields 6 to 10 of the security group: its policies. */
  readonly policy?: readonly (readonly [number, Cbor])[];
}

export interface GuildCraft {
  readonly from: number;
  readonly sequence: number;
  /** Whose key protects it, where that is not `from`'s. */
  readonly signer?: number;
  readonly to?: Endpoint;
  /** Pairwise mode: for whom. */
  readonly peer?: number;
  readonly code?: number;
  readonly options: readonly Option[];
  readonly payload?: Uint8Array;
  readonly type?: number;
  readonly mid?: number;
  readonly token?: Uint8Array;
  readonly request?: RequestBinding;
  /** A response that uses its request's number. */
  readonly withoutNumber?: boolean;
  /** A response that names its key. */
  readonly namesKey?: boolean;
  /** Tag of the block before (`oscoap-00`). */
  readonly previousTag?: Uint8Array;
  readonly source?: Endpoint;
  /** What becomes of its signature. */
  readonly sign?: (signature: Uint8Array) => Uint8Array;
  /** What is protected in place of the message's inside; as many bytes. */
  readonly inside?: (plain: Uint8Array) => Uint8Array;
}

export class Guild {
  readonly spec: GuildSpec;
  readonly profile: Profile;
  readonly address: Uint8Array;
  readonly #crypto: TsCrypto;
  readonly #signatures: Signatures;

  constructor(spec: GuildSpec) {
    this.spec = spec;
    this.profile = schemes.profiles[spec.profile];
    this.address = address(0xff15, 0x1000 + spec.id);
    this.#signatures = spec.signatures ?? new FakeSignatures();
    this.#crypto = new TsCrypto(this.#signatures);
  }

  get appGroup(): number {
    return this.spec.id + 100;
  }

  /** Every application group, and where its requests go to. */
  get appGroups(): (readonly [id: number, to: Endpoint])[] {
    const { moreGroups = [], morePorts = [] } = this.spec;
    const { group } = this;
    const far = (id: number) => ({ ...group, address: address(0xff15, 0x2000 + id) });
    return [
      [this.appGroup, group],
      ...moreGroups.map((id) => [id, far(id)] as const),
      ...morePorts.map(([id, port]) => [id, { ...group, port }] as const),
    ];
  }

  get group(): Endpoint {
    return { address: this.address, port: this.spec.port ?? GUILD_PORT };
  }

  /** The security group's part of device `number`'s provisioning; null: who commands. */
  part(number: number, epochs: readonly number[]): Cbor {
    const others = this.spec.members.filter((one) => one !== number);
    const isSilent = this.spec.silent?.includes(number) === true;
    const hasId = this.signs || !isSilent;
    const own = new Map<Cbor, Cbor>([
      [0, hasId ? this.idOf(number) : new Uint8Array(0)],
      [1, this.credentialOf(number)],
    ]);
    if (this.signs && !isSilent) own.set(2, seedOf(number));
    return new Map<Cbor, Cbor>([
      [0, this.spec.id],
      [1, this.spec.profile],
      [2, epochs.map((epoch) => this.keyPart(number, epoch))],
      [3, 60],
      [4, own],
      [
        5,
        others.map(
          (one) =>
            new Map<Cbor, Cbor>([
              [0, this.idOf(one)],
              [1, this.credentialOf(one)],
            ]),
        ),
      ],
      ...(this.spec.policy ?? []),
    ]);
  }

  /** The key of an epoch, as a rekey brings it to device `number`. */
  offer(number: number, epoch: number): KeyOffer {
    const raw = this.raw(number, epoch);
    return { keyId: this.keyId(epoch), raw, validitySeconds: undefined, messages: undefined };
  }

  /** The first epoch's, unless another is named. */
  keyId(epoch = this.firstEpoch): Uint8Array {
    if (this.spec.profile === "oscore") return this.idContext;
    if (this.spec.profile === "dtls-record") return Uint8Array.of(epoch >> 8, epoch);
    return Uint8Array.of(this.spec.prefix ?? 0x6c, this.spec.id, epoch >> 8, epoch);
  }

  private get idContext(): Uint8Array {
    const { idContext } = this.spec;
    return idContext === undefined ? new Uint8Array(0) : Uint8Array.of(idContext);
  }

  get firstEpoch(): number {
    return this.spec.epoch ?? 1;
  }

  idOf(number: number): Uint8Array {
    return Uint8Array.of(number);
  }

  credentialOf(number: number): Uint8Array {
    if (this.spec.profile === "dtls-record") return deviceAddress(number);
    if (!this.signs) return new Uint8Array(0);
    const publicKey =
      this.spec.publicKeys?.get(number) ?? this.#signatures.signer(seedOf(number)).publicKey;
    if (this.spec.profile !== "group-oscore") return publicKey;
    const key = new Map<Cbor, Cbor>([
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, publicKey],
    ]);
    return encode(new Map([[8, new Map([[1, key]])]]));
  }

  /** A message as a holder of `from`'s keys makes it. */
  craft(wish: GuildCraft, epoch = this.firstEpoch): Datagram {
    const { from, sequence, request } = wish;
    const { profile } = this;
    const number = wish.signer ?? from;
    const own: Own = {
      id: this.idOf(from),
      credential: this.credentialOf(from),
      signer: this.signs ? this.signerOf(from, number, wish.sign) : undefined,
    };
    const isRecord = profile.layer === "record";
    const crypto = isRecord ? this.#crypto : tampering(this.#crypto, wish.inside);
    const key = profile.importKey(crypto, {
      keyId: this.keyId(epoch),
      raw: this.raw(from, epoch),
      own,
      addresses: [this.address],
    });
    const to = wish.to ?? this.group;
    const member = wish.peer === undefined ? undefined : this.member(wish.peer);
    const sealed = profile.seal(
      key,
      {
        header: {
          type: wish.type ?? NON,
          mid: wish.mid ?? sequence,
          token: wish.token ?? new Uint8Array(0),
        },
        inner: { code: wish.code ?? POST, options: wish.options, payload: wish.payload },
        clear: [],
        appGroup: { id: 0 },
        sender: own.id,
        piv: wish.withoutNumber === true ? undefined : uintBytes(sequence),
        to,
        request,
        namesKey: wish.namesKey === true,
        peer: member && profile.peer?.(this.#crypto, key, member),
        previousTag: wish.previousTag,
      },
      new Workspace(),
    );
    const source = wish.source ?? { address: deviceAddress(from), port: GUILD_PORT };
    const session = isRecord ? profile.peer?.(crypto, key, this.member(from)) : undefined;
    const bytes = isRecord ? resealed(session as RecordCipher, sealed, wish.inside) : sealed;
    return { from: source, to, bytes, atMicros: 0 };
  }

  member(number: number): { id: Uint8Array; credential: Uint8Array } {
    return { id: this.idOf(number), credential: this.credentialOf(number) };
  }

  /** Passes for `from`'s, signs as `number`. */
  private signerOf(from: number, number: number, tamper: GuildCraft["sign"]): Signer {
    const { publicKey } = this.#signatures.signer(seedOf(from));
    const signer = this.#signatures.signer(seedOf(number));
    return {
      publicKey: this.spec.publicKeys?.get(from) ?? publicKey,
      sign: (data) => tamper?.(signer.sign(data)) ?? signer.sign(data),
      agree: (other) => signer.agree(other),
    };
  }

  private get signs(): boolean {
    return this.profile.proof === "member";
  }

  private keyPart(number: number, epoch: number): Cbor {
    return new Map<Cbor, Cbor>([
      [0, this.keyId(epoch)],
      [1, this.raw(number, epoch)],
    ]);
  }

  /** The CS_ID that comes with a key, where it does. */
  private renewed(number: number, epoch: number): (readonly [number, Cbor])[] {
    const { renewal } = this.spec;
    if (renewal === undefined || epoch === this.firstEpoch) return [];
    return [[4, Uint8Array.of(number + renewal)]];
  }

  /** `KeyInput.raw`, a new one each time: import wipes it. */
  private raw(number: number, epoch: number): Uint8Array {
    const fill = this.spec.fill ?? this.spec.id;
    const secret = (length: number) => new Uint8Array(length).fill(fill);
    const [one, two] = this.spec.members;
    const entries: Record<string, readonly (readonly [number, Cbor])[]> = {
      "oscoap-00": [[1, secret(32)]],
      "multicast-oscore-04": [[1, secret(16)]],
      "group-oscore-02": [
        [1, secret(16)],
        [2, secret(8)],
      ],
      "group-oscore": [
        [1, secret(16)],
        [2, secret(8)],
        [3, 10],
        [4, this.spec.groupEncryption ?? 10],
        [5, -8],
        [6, -27],
        [7, secret(40)],
      ],
      "dtls-record": [
        [1, secret(16)],
        [2, new Uint8Array(16).fill(epoch)],
        [3, this.spec.suite ?? 0xff01],
        ...this.renewed(number, epoch),
      ],
      oscore: [
        [1, secret(16)],
        [2, secret(8)],
        ...(this.spec.idContext === undefined ? [] : [[3, this.idContext] as const]),
        [4, this.idOf(number === one ? two : one)],
      ],
    };
    return encode(new Map<Cbor, Cbor>(entries[this.spec.profile]));
  }
}

/** Seals something else than it is told to. */
function tampering(crypto: Crypto, inside: GuildCraft["inside"]): Crypto {
  if (inside === undefined) return crypto;
  return {
    aeadKey: (algorithm, raw) => {
      const key = crypto.aeadKey(algorithm, raw);
      return {
        open: (box) => key.open(box),
        seal: (box) => key.seal({ ...box, plain: inside(box.plain) }),
      };
    },
    sha256: (data) => crypto.sha256(data),
    hmac: (input) => crypto.hmac(input),
    hkdf: (input) => crypto.hkdf(input),
    hkdfExpand: (input) => crypto.hkdfExpand(input),
    signatures: crypto.signatures,
  };
}

/** Another plaintext in the same record. */
function resealed(
  session: RecordCipher,
  record: Uint8Array,
  inside: GuildCraft["inside"],
): Uint8Array {
  if (inside === undefined) return record;
  const opened = session.open(record);
  if (!opened.ok) throw new Error(`our own record: ${opened.drop}`);
  const [epoch, sequence] = [record.slice(3, 5), record.slice(5, 11)];
  return session.seal({ epoch, sequence, plain: inside(opened.value) });
}

function seedOf(number: number): Uint8Array {
  return new Uint8Array(32).fill(number);
}
