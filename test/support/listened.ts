/** A group whose KDC listens to it: what is said there, and one who comes late. */
import { emitDelivery, type KeyDelivery, parseDelivery } from "../../modules/access/delivery.js";
import { Rights } from "../../modules/access/rights.js";
import { RECEIVER } from "../../modules/access/scope.js";
import { termsFor } from "../../modules/authority/deliveries.js";
import type { Place, Said } from "../../modules/authority/ear.js";
import { Listener } from "../../modules/authority/listener.js";
import { confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import {
  applications,
  groups,
  inGroup,
  type Key,
  keys,
  numberKey,
} from "../../modules/authority/records.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { NON, type Option } from "../../modules/coap/message.js";
import { addPath, POST } from "../../modules/coap/options.js";
import { schemes as services } from "../../modules/device/schemes.js";
import { openAmong } from "../../modules/groups/candidates.js";
import { Directory } from "../../modules/groups/directory.js";
import { Groups } from "../../modules/groups/groups.js";
import { Keyring } from "../../modules/groups/keyring.js";
import { locate } from "../../modules/groups/locate.js";
import { open } from "../../modules/groups/open.js";
import { Schemes } from "../../modules/groups/schemes.js";
import { Tokens } from "../../modules/groups/tokens.js";
import { Trust } from "../../modules/groups/trust.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { Sequence } from "../../modules/oscore/sequence.js";
import type { Signer } from "../../modules/ports/crypto.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { Own, Profile } from "../../modules/profiles/profile.js";
import type { Store } from "../../modules/store/store.js";
import { Uptime } from "../../modules/store/uptime.js";
import { address, deviceAddress } from "./addresses.js";
import { APPLICATION, GROUP, parties } from "./authority.js";
import { TestClock } from "./clock.js";
import { credentialIn, joins, keysOf, REQUESTER, RESPONDER } from "./comers.js";
import { Kdc, memberSigner, pairwise } from "./kdc.js";
import { formatted, opened } from "./partition.js";

const PLACE: Place = { appGroup: APPLICATION, address: address(0xff35, 7), port: 5683 };
const NULL_SHA256 = 0xff02;

/** Rows of WIRE.md's table, both suites of `dtls-record`. */
export const ROWS = [
  "lowlatency",
  "oscoap-00",
  "multicast-oscore-04",
  "group-oscore-02",
  "dtls-record",
  "dtls-record with MTS_WITH_NULL_SHA256",
  "group-oscore",
];

export interface Words {
  /** Whose key signs it; the sender's own. */
  readonly signer?: number;
  /** Under the key of this epoch; the newest. */
  readonly epoch?: number;
  readonly place?: Place;
}

export class Listened {
  readonly kdc: Kdc;
  readonly profile: Profile;
  readonly listener: Listener;
  /** What was told of what members say. */
  readonly overheard: Said[] = [];
  readonly #suite: number | undefined;

  constructor(row: string) {
    const [profile, suite] = row.split(" with ");
    const { crypto } = parties();
    const clock = new TestClock();
    this.#suite = suite === undefined ? undefined : NULL_SHA256;
    this.listener = new Listener({
      ...{ crypto, clock, partition: () => formatted(4) },
      said: (said) => void this.overheard.push(said),
    });
    this.kdc = new Kdc({ profile }, { listening: this.listener });
    this.kdc.set({ numbers: "heard" });
    this.profile = profile === lowlatency.name ? lowlatency : services.profiles[profile];
    this.put(APPLICATION, PLACE);
  }

  put(appGroup: number, { address: to, port }: Place): void {
    const place = { name: `hall ${appGroup}`, group: GROUP, address: to, port };
    this.kdc.run((rows) => applications.put(rows, numberKey(appGroup), place));
  }

  get epoch(): number {
    return this.kdc.group.epoch;
  }

  /** The authority looks at its ledger, joined to all there is. */
  look(seen: { isJoined?: () => boolean; count?: number } = {}): void {
    const { isJoined = () => true, count = this.listener.count } = seen;
    this.kdc.run((rows) => this.listener.look(rows, { isJoined, count }));
  }

  /** A sender is in, and has the newest key. */
  sender(at: number): void {
    joins(this.kdc, at, REQUESTER);
    if (this.#suite !== undefined) this.#choose(this.#suite);
    this.look();
  }

  /** A message of sender `at` as everybody on the network has it. */
  said(at: number, number: number, words: Words = {}): Datagram {
    const { signer = at, epoch = this.epoch, place = PLACE } = words;
    const { crypto } = parties();
    const { profile } = this;
    const { keyId, raw } = this.key(epoch);
    const pen = memberSigner(signer);
    const { publicKey } = memberSigner(at);
    const passesFor: Signer = {
      publicKey,
      sign: (data) => pen.sign(data),
      agree: (key) => pen.agree(key),
    };
    const own: Own = { ...this.member(at), signer: this.signs ? passesFor : undefined };
    const key = profile.importKey(crypto, { keyId, raw, own, addresses: [place.address] });
    const header = { type: NON, mid: number % 0x10000, token: new Uint8Array(0) };
    const options: Option[] = [];
    addPath(options, "/l");
    const inner = { code: POST, options, payload: encode(new Map([[0, true]])) };
    const sealed = profile.seal(
      key,
      {
        ...{ header, inner, clear: [], appGroup: { id: place.appGroup }, sender: own.id },
        ...{ piv: uintBytes(number), to: place, request: undefined },
      },
      new Workspace(),
    );
    const from = { address: deviceAddress(at), port: 5683 };
    return { from, to: place, bytes: sealed, atMicros: 0 };
  }

  get signs(): boolean {
    return this.profile.proof === "member";
  }

  member(at: number): { id: Uint8Array; credential: Uint8Array } {
    return { id: uintBytes(at), credential: credentialIn(this.profile.name, at) };
  }

  key(epoch: number): Key {
    const key = this.kdc.run((rows) => keys.need(rows, inGroup(GROUP, epoch)));
    return { ...key, raw: key.raw.slice() };
  }

  /** Numbers as the listener has them. */
  get numbers(): number[] | undefined {
    return this.listener.of(GROUP)?.numbers.map(({ number }) => number);
  }

  #choose(suite: number): void {
    const { raw, ...rest } = this.key(this.epoch);
    const material = decode(raw);
    const map = material.ok && material.value instanceof Map ? material.value : new Map();
    const chosen = encode(new Map<Cbor, Cbor>([...map, [3, suite]]));
    this.kdc.run((rows) => {
      const { epoch } = groups.need(rows, numberKey(GROUP));
      keys.put(rows, inGroup(GROUP, epoch), { ...rest, raw: chosen });
    });
  }
}

/** One who only listens, as the firmware has it: its key and numbers come from the KDC. */
export class Late {
  readonly #groups: Groups;
  readonly #tokens: Tokens;
  readonly #listened: Listened;
  readonly #at: number;
  readonly #store: Store;

  constructor(listened: Listened, at: number, senders: readonly number[]) {
    const { profile } = listened;
    const { crypto, signer } = parties();
    const store = opened(formatted(4));
    this.#store = store;
    const clock = new TestClock();
    const uptime = new Uptime(store, clock);
    const recipients = new Recipients({ store, capacity: 8 });
    const directory = new Directory();
    const keyring = new Keyring({ store, crypto, recipients, uptime, directory, keysMax: 8 });
    const own = { ...listened.member(at), signer: listened.signs ? memberSigner(at) : undefined };
    const addresses = [PLACE.address];
    const group = { id: GROUP, profile, graceSeconds: 60, own, addresses };
    const security = keyring.addSecurity(group);
    directory.addAppGroup({ id: APPLICATION, security, endpoint: PLACE });
    const sequence = new Sequence(store);
    const all = { directory, keyring, recipients, sequence, uptime, clock, clientId: own.id };
    this.#groups = new Groups(all);
    if (profile !== lowlatency) {
      const schemes = new Schemes({
        crypto,
        store,
        seal: () => ({ ok: false, drop: "malformed" }),
      });
      this.#groups.schemes = schemes;
      for (const one of senders) schemes.members.put(security, listened.member(one));
    }
    const trust = new Trust({ store, crypto, clock });
    const { publicKey } = signer;
    trust.adopt({ issuer: "kdc", kid: Uint8Array.of(0xa5), publicKey, audience: "hall" });
    const parts = { groups: this.#groups, rights: new Rights(store, 8), store, crypto, trust };
    this.#tokens = new Tokens(parts);
    this.#listened = listened;
    this.#at = at;
  }

  /** Joins; what it was told, as [sender, next number]. */
  join(): [number, number][] {
    const { kdc } = this.#listened;
    joins(kdc, this.#at, RESPONDER);
    return this.ask();
  }

  /** Asks for keys, as a member; what it was told. */
  ask(): [number, number][] {
    const { kdc } = this.#listened;
    const receives = [{ appGroup: APPLICATION, level: 2, roles: RECEIVER }] as const;
    const { response } = keysOf(kdc, this.#at, kdc.token(this.#at, receives));
    const delivery = parseDelivery(response.payload ?? new Uint8Array(0));
    if (delivery === undefined) throw new Error(`no keys: ${response.code}`);
    const refused = this.#tokens.deliver(delivery, pairwise()).filter((one) => one !== undefined);
    if (refused.length > 0) throw new Error(`not taken: ${refused.join(", ")}`);
    return delivery.numbers.map(({ sender, next }) => [sender[0], next]);
  }

  /** Is told who somebody is, as by a repository: "ok", or why it has no place for him. */
  meet(at: number): string {
    const { schemes, directory } = this.#groups;
    const security = directory.security(GROUP);
    if (schemes === undefined || security === undefined) return "it knows nobody";
    while (this.#store.needsTidy && this.#store.tidy());
    const put = schemes.members.put(security, this.#listened.member(at));
    return put.ok ? "ok" : put.drop;
  }

  /** From here on its flash takes nothing. */
  flashFails(): void {
    this.#store.put = () => false;
  }

  knows(at: number): boolean {
    const { id } = this.#listened.member(at);
    return this.#groups.schemes?.members.find(GROUP, id, 0, id.length) !== undefined;
  }

  /** What becomes of a token that is shown to it. */
  present(token: Uint8Array): string | undefined {
    return this.#tokens.present(token);
  }

  /** Takes what the KDC has for it: keys that wait, or what goes with them; `change`s of that. */
  told(change: (delivery: KeyDelivery) => KeyDelivery = (all) => all): void {
    const { kdc } = this.#listened;
    const clientId = uintBytes(this.#at);
    const { now, center } = kdc;
    const payload = kdc.run((rows) => {
      const sending = sendingFor(rows, center, { clientId, pairwise: pairwise(), now });
      if (sending !== undefined) confirmAll(rows, clientId, sending);
      const terms = () => termsFor(rows, { clientId, groups: [GROUP], now });
      return sending?.payload ?? emitDelivery({ tokens: [], ...terms() });
    });
    const delivery = parseDelivery(payload);
    if (delivery === undefined) throw new Error("what the KDC says does not parse");
    while (this.#store.needsTidy && this.#store.tidy());
    const verdicts = this.#tokens.deliver(change(delivery), pairwise());
    const refused = verdicts.filter((one) => one !== undefined);
    if (refused.length > 0) throw new Error(`not taken: ${refused.join(", ")}`);
  }

  /** What becomes of a datagram: "ok", or why not. */
  hears(datagram: Datagram): string {
    const groups = this.#groups;
    const { arriving, schemes } = groups;
    const { outer } = arriving;
    const isMessage = outer.scan(datagram.bytes);
    arriving.begin(datagram);
    arriving.multicast = true;
    outer.bytes = datagram.bytes;
    if (schemes === undefined) {
      const located = locate(groups, arriving);
      const heard = located.ok ? open(groups, arriving, undefined) : located;
      return heard.ok ? "ok" : heard.drop;
    }
    const layer = isMessage ? "message" : "record";
    const heard = openAmong(groups, schemes, arriving, layer, undefined);
    return heard.ok ? "ok" : heard.drop;
  }
}
