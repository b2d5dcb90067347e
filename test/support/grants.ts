/** Tokens for receivers, as a Key Distribution Center signs them, and a device that takes them. */
import type { Claims } from "../../modules/access/claims.js";
import { EMPTY_DELIVERY, type KeyDelivery } from "../../modules/access/delivery.js";
import { Rights } from "../../modules/access/rights.js";
import { type Scope, SENDER } from "../../modules/access/scope.js";
import { issueToken } from "../../modules/access/token.js";
import { Id64 } from "../../modules/bytes/id64.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { type EnvelopeKey, sealEnvelope } from "../../modules/cose/envelope.js";
import { Directory } from "../../modules/groups/directory.js";
import { Groups } from "../../modules/groups/groups.js";
import { Keyring } from "../../modules/groups/keyring.js";
import { Tokens } from "../../modules/groups/tokens.js";
import { Trust } from "../../modules/groups/trust.js";
import type { Trusted } from "../../modules/groups/trusted.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { Sequence } from "../../modules/oscore/sequence.js";
import { AES_CCM_16_64_128, type Crypto, EDDSA, type Signer } from "../../modules/ports/crypto.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { Store } from "../../modules/store/store.js";
import { Uptime } from "../../modules/store/uptime.js";
import { parties } from "./authority.js";
import { TestClock } from "./clock.js";
import type { NorFlash } from "./flash.js";
import { formatted, opened } from "./partition.js";

export const KID = Uint8Array.of(0xa5);
/** The security group, its application group, and another one of it. */
export const GROUP = 9;
export const APPLICATION = 1;
export const OTHER_APPLICATION = 2;
export const OWN = Uint8Array.of(70);
export const SWITCH = Uint8Array.of(7);
export const NOW = 1_790_000_000;

export const ROLES: Scope = [{ appGroup: APPLICATION, level: 2, roles: SENDER }];

/** A group's key-encryption key, and a channel's. */
export function sealing(crypto: Crypto, kid = 1): EnvelopeKey {
  return {
    kid: Uint8Array.of(kid),
    key: crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(16).fill(kid)),
  };
}

export interface Wish extends Partial<Omit<Claims, "envelope">> {
  /** Of the group key. */
  readonly keyId?: number;
  readonly under?: EnvelopeKey;
  readonly signer?: Signer;
  readonly material?: Map<Cbor, Cbor>;
  /** What the envelope was made for, where that is something else. */
  readonly sealedFor?: Uint8Array;
}

export class Kdc {
  readonly crypto: Crypto;
  readonly signer: Signer;

  constructor() {
    const { crypto, signer } = parties();
    this.crypto = crypto;
    this.signer = signer;
  }

  get trusted(): Trusted {
    const { publicKey } = this.signer;
    return { issuer: "kdc", kid: KID, publicKey, audience: "hall" };
  }

  /** An AT-R; of the switch, under the group's sealing key, unless told otherwise. */
  token(wish: Wish = {}): Uint8Array {
    const {
      keyId = 1,
      under = sealing(this.crypto),
      material,
      sealedFor,
      signer,
      ...claims
    } = wish;
    const subject = claims.subject ?? SWITCH;
    const securityGroup = claims.securityGroup ?? uintBytes(GROUP);
    const plain = new Map<Cbor, Cbor>([
      [1, 4],
      [2, uintBytes(keyId)],
    ]);
    if (material !== undefined) plain.set(-70003, material);
    else plain.set(3, 10).set(-1, new Uint8Array(16).fill(keyId));
    const envelope = sealEnvelope({
      under,
      nonce: new Uint8Array(13).fill(keyId),
      plain: encode(plain),
      externalAad: encode([securityGroup, sealedFor ?? subject]),
    });
    return issueToken(this.crypto, {
      claims: {
        ...{ issuer: "kdc", audience: "hall", issuedAt: NOW, id: Uint8Array.of(1), scope: ROLES },
        ...claims,
        ...{ subject, securityGroup, envelope },
      },
      voucher: { alg: EDDSA, signer: signer ?? this.signer },
      kid: KID,
    });
  }
}

/** What a device keeps of tokens, after a start on this flash. */
export class Holder {
  readonly flash: NorFlash;
  readonly store: Store;
  readonly clock = new TestClock();
  readonly rights: Rights;
  readonly groups: Groups;
  readonly trust: Trust;
  readonly tokens: Tokens;

  constructor(kdc: Kdc, flash: NorFlash = formatted(4), isStrict = false) {
    this.flash = flash;
    const { crypto } = kdc;
    const { clock } = this;
    const store = opened(flash);
    this.store = store;
    const uptime = new Uptime(store, clock);
    const recipients = new Recipients({ store, capacity: 8 });
    const directory = new Directory();
    const keyring = new Keyring({ store, crypto, recipients, uptime, directory, keysMax: 8 });
    const security = keyring.addSecurity({ id: GROUP, profile: lowlatency, graceSeconds: 60 });
    for (const id of [APPLICATION, OTHER_APPLICATION]) {
      directory.addAppGroup({
        id,
        security,
        endpoint: { address: new Uint8Array(16), port: 5683 },
      });
    }
    this.rights = new Rights(store, 8);
    const sequence = new Sequence(store);
    const parts = { directory, keyring, recipients, sequence, uptime, clock, clientId: OWN };
    this.groups = new Groups(parts);
    this.trust = new Trust({ store, crypto, clock, isStrict });
    this.trust.adopt(kdc.trusted);
    this.tokens = new Tokens({ ...this, store, crypto });
  }

  level(client = SWITCH, appGroup: number | null = APPLICATION): number {
    return this.rights.level(appGroup, new Id64().read(client, 0, client.length));
  }

  /** Ids of the group's keys, oldest first. */
  get keyIds(): number[] {
    const { associations } = this.groups.directory.securities()[0];
    return associations.map(({ keyId }) => keyId[0]);
  }

  /** Once more on the same flash. */
  again(kdc: Kdc): Holder {
    return new Holder(kdc, this.flash);
  }

  /** The group's sealing key, as a receiver is given it. */
  giveSealing(kid = 1): void {
    const key = new Uint8Array(16).fill(kid);
    const sealings = [{ securityGroup: uintBytes(GROUP), kid: Uint8Array.of(kid), key }];
    this.deliver({ sealings });
  }

  deliver(delivery: Partial<KeyDelivery>, pairwise?: EnvelopeKey): readonly (string | undefined)[] {
    return this.tokens.deliver({ ...EMPTY_DELIVERY, ...delivery }, pairwise);
  }
}
