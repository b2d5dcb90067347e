/**
 * Tokens for receivers, AT-R, at the device: who may do what, and under which key (draft-somaraju
 * §3.3, §4.1; WIRE.md "Tokens and keys").
 *
 *   present    anybody's word, by unicast: a KDC that is believed signed it -> rights, group key
 *   deliver    what the KDC says over its own channel: tokens, new keys, who is to be heard no more
 *
 * In the order that a power cut leaves nothing open: first what was granted, so that an older token
 * is refused from there on; then the key; then the rights, which follow from the first. All of it
 * is done again when it comes again, and only what is wholly in flash is reported as done.
 *
 * A refusal has a name and is told to nobody but the log. What is signed by whom we believe may
 * still be old, for others, or sealed under a key that an eviction ended.
 */
import type { Claims } from "../access/claims.js";
import type {
  GoneMembers,
  GroupSealing,
  KeyDelivery,
  KeyTerms,
  NextNumber,
  Revoked,
} from "../access/delivery.js";
import type { Level } from "../access/level.js";
import type { Rights } from "../access/rights.js";
import { levelIn, type ScopeEntry, upTo } from "../access/scope.js";
import { claimsOf, glanceAt, type TokenFault, verifyToken } from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { Id64 } from "../bytes/id64.js";
import type { Drop } from "../bytes/outcome.js";
import { readUint } from "../bytes/uint.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { type EnvelopeKey, envelopeKeyId, openEnvelope } from "../cose/envelope.js";
import { AES_CCM_16_64_128, type Crypto } from "../ports/crypto.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { compareKeyIds, type SecurityGroup } from "./directory.js";
import type { Groups } from "./groups.js";
import { handOver } from "./handover.js";
import { dismiss, introduce } from "./introduce.js";
import { type Grant, type Issued, IssuedTokens } from "./issued.js";
import { limitKey } from "./limiting.js";
import { isUnder, type OfferedKey, offeredKey } from "./offered.js";
import type { Trust } from "./trust.js";

/** Why a token, or what else was delivered, had no effect. */
export type Refusal =
  | TokenFault
  /** It came to many. */
  | "multicast"
  /** Its key is sealed under one that we have not got, or not any more. */
  | "envelope"
  /** Of no group of ours. */
  | "unknownGroup"
  | Extract<Drop, "tableFull" | "storeFailed">;

/** What became of each thing that was told, in its order; undefined: done, and durable. */
export type Verdicts = readonly (Refusal | undefined)[];

const SEALING_BYTES = 16;
/** Of `lowlatency`, whose ids have at most 8 bytes: nothing to be synchronised. */
const UNFILED = Object.freeze({ synchronisation: undefined });

export interface TokenParts {
  readonly groups: Groups;
  readonly rights: Rights;
  readonly store: Store;
  readonly crypto: Crypto;
  readonly trust: Trust;
  /** What a token says beyond it is not granted; absent: all is. */
  readonly levelMax?: Level;
}

export class Tokens {
  readonly #parts: TokenParts;
  readonly #issued: IssuedTokens;

  constructor(parts: TokenParts) {
    this.#parts = parts;
    this.#issued = new IssuedTokens(parts.store, (client) => this.#hasRights(client));
  }

  /** A sender's AT-R, whoever presents it. Undefined: its rights hold, durably. */
  present(token: Uint8Array): Refusal | undefined {
    return this.#take(token, undefined, []);
  }

  /**
   * What is to be told of a presented token before anybody's signature is verified: a refusal, or
   * "known": all that it says is so. Undefined: it may be news. An envelope opens under the group's
   * sealing key alone, so that much of what a stranger makes up ends here.
   */
  glance(token: Uint8Array): Refusal | "known" | undefined {
    const { groups, trust } = this.#parts;
    const rules = trust.rules(false);
    if (rules === undefined) return "untrusted";
    const { nowSeconds } = rules;
    const glanced = glanceAt(token, rules);
    if (!glanced.ok) return glanced.fault;
    const claims = glanced.value;
    const { securityGroup, subject } = claims;
    const security = securityGroup && this.#securityOf(securityGroup);
    if (security === undefined) return "unknownGroup";
    if (equalBytes(subject, groups.clientId)) return "holder";
    const opened = this.#open(claims, this.#sealingOf(security));
    if (opened === undefined) return "envelope";
    opened.raw.fill(0);
    const known = this.#issued.of(subject);
    const scope = this.#entriesFor(claims, security);
    const fresh = scope.flatMap((entry) => grantBy({ ...claims, scope }, entry, known) ?? []);
    if (fresh.length === 0) return "older";
    const isNew = groups.keyring.isNew(security, opened.keyId);
    const isSo = fresh.every((one) => this.#holds(subject, one, known, nowSeconds));
    return isSo && !isNew ? "known" : undefined;
  }

  #holds(client: Uint8Array, grant: Grant, known: Issued, now: number): boolean {
    const { appGroup, level, issuedAt, expiresAt } = grant;
    const held = this.#parts.rights.level(appGroup, new Id64().read(client, 0, client.length));
    const isHeld = known.grants.some((one) => {
      const isSame = one.appGroup === appGroup && one.level === level;
      return isSame && one.issuedAt === issuedAt && one.expiresAt === expiresAt;
    });
    return isHeld && held === level && !isOver(grant, now);
  }

  /** What the KDC says over its own channel, in this order; `pairwise` is that channel's key. */
  deliver(delivery: KeyDelivery, pairwise: EnvelopeKey | undefined): Verdicts {
    const { sealings, revoked, tokens, terms, numbers, broken, gone = [] } = delivery;
    const verdicts: (Refusal | undefined)[] = [];
    for (const sealing of sealings) verdicts.push(this.#keepSealing(sealing));
    for (const one of revoked) verdicts.push(this.#revoke(one));
    for (const one of gone) verdicts.push(this.#forget(one));
    for (const token of tokens) verdicts.push(this.#take(token, pairwise, terms));
    for (const one of numbers) verdicts.push(this.#number(one));
    for (const securityGroup of broken) verdicts.push(this.#endGraces(securityGroup));
    const next = delivery.handOver;
    if (next !== undefined) verdicts.push(this.#parts.trust.handOver(next, pairwise));
    return verdicts;
  }

  /**
   * Takes away what was granted by tokens that are over, and does what a power cut left undone.
   * False when flash refuses some of it.
   */
  expire(): boolean {
    const { trust } = this.#parts;
    const now = trust.now();
    let done = trust.rest();
    if (now < this.#issued.settledUntil) return done;
    let next = Number.POSITIVE_INFINITY;
    for (const issued of this.#issued.all()) {
      const grants = issued.grants.map((one) => (isOver(one, now) ? ended(one) : one));
      const isAny = grants.some((one, at) => one !== issued.grants[at]);
      // What is over stays over, also after a restart that does not know how late it is.
      if (isAny && !trust.see(now)) return false; // check: expiry-durable
      if (isAny && this.#issued.put({ ...issued, grants }) !== undefined) return false;
      const refused = this.#apply(issued.client, grants);
      if (refused === "storeFailed") done = false;
      // It is tried again.
      if (refused !== undefined) next = now;
      for (const { expiresAt = next } of grants) next = Math.min(next, expiresAt);
    }
    this.#issued.settledUntil = next;
    return done;
  }

  #take(
    token: Uint8Array,
    pairwise: EnvelopeKey | undefined,
    terms: readonly KeyTerms[],
  ): Refusal | undefined {
    const { crypto, trust, groups, store } = this.#parts;
    const rules = trust.rules(pairwise !== undefined);
    if (rules === undefined) return "untrusted";
    const verdict = verifyToken(crypto, token, rules);
    if (!verdict.ok) return verdict.fault === "expired" ? this.#over(token) : verdict.fault;
    const claims = verdict.value;
    const { securityGroup, envelope } = claims;
    if (securityGroup === undefined || envelope === undefined) return "malformed";
    const security = this.#securityOf(securityGroup);
    if (security === undefined) return "unknownGroup";
    const isOwn = equalBytes(claims.subject, groups.clientId);
    const isChannels = pairwise !== undefined && isUnder(envelope, pairwise.kid);
    const opened = this.#open(claims, isChannels ? pairwise : this.#sealingOf(security));
    if (isOwn && !isChannels) {
      // Nobody learns a key of his own from what everybody may present.
      if (pairwise === undefined) return "holder"; // check: token-own
      const kept = ownToken(store, security.id);
      const isOld = isUnderOlder(envelope, kept) && isOf(kept, claims.issuer);
      if (isOld) return undefined; // check: shown-newest
      return store.put(key(KIND.TOKEN, 1 + security.id), token) ? undefined : "storeFailed";
    }
    if (opened === undefined) return "envelope";
    const termsHere = terms.find((one) => equalBytes(one.securityGroup, securityGroup));
    const refused = isOwn
      ? this.#install(security, opened, termsHere)
      : this.#admit(claims, security, opened);
    if (refused !== undefined) return refused;
    return trust.see(claims.issuedAt, isOwn) ? undefined : "storeFailed";
  }

  /** A genuine token that has come to its end: it stays so. */
  #over(token: Uint8Array): Refusal {
    const expiresAt = claimsOf(token)?.expiresAt ?? 0;
    const isNoted = this.#parts.trust.see(expiresAt);
    if (!isNoted) return "storeFailed"; // check: expired-durable
    return "expired";
  }

  /**
   * Another one's rights, in each application group by the newest token that speaks of it; what
   * was issued before is refused from here on.
   */
  #admit(claims: Claims, security: SecurityGroup, offered: OfferedKey): Refusal | undefined {
    const { subject: client } = claims;
    const entries = this.#entriesFor(claims, security);
    if (entries.length === 0) return "unknownGroup"; // check: at-r-group
    if (!this.expire()) return "storeFailed";
    const known = this.#issued.of(client);
    const granted = { ...claims, scope: entries };
    const fresh = entries.flatMap((entry) => grantBy(granted, entry, known) ?? []);
    const isOlder = fresh.length === 0;
    if (isOlder) return "older"; // check: at-r-older
    const kept = known.grants.filter(({ appGroup }) => {
      return !fresh.some((one) => one.appGroup === appGroup);
    });
    const grants = [...kept, ...fresh];
    const noted = this.#issued.put({ ...known, grants });
    if (noted !== undefined) return noted; // check: at-r-noted
    return this.#install(security, offered, undefined) ?? this.#apply(client, grants);
  }

  /** What a token says of groups that are here, and of this device. */
  #entriesFor({ scope }: Claims, security: SecurityGroup): ScopeEntry[] {
    const { groups, levelMax } = this.#parts;
    const meant = upTo(scope, levelMax).filter(({ appGroup }) => {
      if (appGroup === null) return true;
      return groups.directory.appGroup(appGroup)?.security === security;
    });
    // Between two there is no group: what the other one may do there, he may do to this device.
    const isPair = security.profile.proof === "channel";
    return isPair ? meant.map((entry) => ({ ...entry, appGroup: null })) : meant;
  }

  /** Makes the rights what the grants say. */
  #apply(client: Uint8Array, grants: readonly Grant[]): "tableFull" | "storeFailed" | undefined {
    const { rights } = this.#parts;
    const id = new Id64().read(client, 0, client.length);
    let refused: "tableFull" | "storeFailed" | undefined;
    for (const { appGroup, level } of grants) {
      if (rights.level(appGroup, id) === level) continue;
      if (level === 0) {
        const isGone = rights.revoke(client, (group) => group === appGroup);
        if (!isGone) refused = "storeFailed";
        continue;
      }
      const granted = rights.grant({ client, appGroup, level });
      if (!granted.ok) refused = granted.drop as "tableFull" | "storeFailed";
    }
    return refused;
  }

  /** A group's new key, a COSE_Key that only the KDC can have sent; true when it is in flash. */
  renewed(securityGroup: Uint8Array, coseKey: Uint8Array, isBroken: boolean): boolean {
    const security = this.#securityOf(securityGroup);
    const offered = offeredKey(coseKey);
    if (security === undefined || offered === undefined) return false;
    const refused = this.#install(security, offered, undefined);
    if (refused !== undefined) return false;
    if (isBroken) return this.#endGraces(securityGroup) === undefined; // check: tree-broken
    return true;
  }

  /** A key that is new here; of one that was here before, what it ends by. */
  #install(
    security: SecurityGroup,
    { keyId, raw }: OfferedKey,
    terms: KeyTerms | undefined,
  ): Refusal | undefined {
    const { keyring } = this.#parts.groups;
    if (!keyring.isNew(security, keyId)) return this.#limit(security, keyId, terms);
    const isUsable = this.#fits(security, { keyId, raw: raw.slice() });
    if (!isUsable) return "envelope"; // check: key-usable
    const { validitySeconds, messages } = terms ?? {};
    const installed = keyring.install(security, { keyId, raw, validitySeconds, messages });
    if (installed.ok) return undefined;
    return installed.drop === "storeFailed" || installed.drop === "tableFull"
      ? installed.drop
      : "envelope";
  }

  #limit(
    security: SecurityGroup,
    keyId: Uint8Array,
    terms: KeyTerms | undefined,
  ): Refusal | undefined {
    const { groups, store } = this.#parts;
    const known = security.associations.find((one) => equalBytes(one.keyId, keyId));
    if (terms === undefined || known === undefined) return undefined;
    const isLimited = limitKey(groups, store, known, terms);
    if (!isLimited) return "storeFailed"; // check: key-limited
    return undefined;
  }

  /** In flash, a key that the scheme refuses would keep the device from starting. */
  #fits(security: SecurityGroup, offered: OfferedKey): boolean {
    const none = new Uint8Array(0);
    const nobody = { id: none, credential: none, signer: undefined };
    const { profile, own = nobody, addresses = [] } = security;
    try {
      profile.importKey(this.#parts.crypto, { ...offered, own, addresses });
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  #open(claims: Claims, under: EnvelopeKey | undefined): OfferedKey | undefined {
    const { envelope, securityGroup, subject } = claims;
    if (under === undefined || envelope === undefined || securityGroup === undefined) {
      return undefined;
    }
    if (!isUnder(envelope, under.kid)) return undefined;
    const externalAad = encode([securityGroup, subject]);
    const plain = openEnvelope(envelope, { key: under.key, externalAad });
    return plain && offeredKey(plain);
  }

  #securityOf(securityGroup: Uint8Array): SecurityGroup | undefined {
    if (securityGroup.length > 4) return undefined;
    return this.#parts.groups.directory.security(readUint(securityGroup));
  }

  /**
   * Which KDC's ‖ kid ‖ key, 16 bytes. A KDC counts them: an answer that was overtaken by a push
   * does not bring back the one before. The next KDC counts by itself.
   */
  #keepSealing({ securityGroup, kid, key: raw }: GroupSealing): Refusal | undefined {
    const security = this.#securityOf(securityGroup);
    if (security === undefined) return "unknownGroup";
    const { store, trust } = this.#parts;
    const place = key(KIND.SEALING, security.id);
    const before = store.get(place);
    const isSame = before !== undefined && before[0] === trust.count % 256;
    const newest = isSame ? before.subarray(1, before.length - SEALING_BYTES) : undefined;
    const isOld = newest !== undefined && compareKeyIds(kid, newest) < 0;
    if (isOld) return undefined; // check: sealing-newest
    const record = new Uint8Array(1 + kid.length + raw.length);
    record[0] = trust.count;
    record.set(kid, 1);
    record.set(raw, 1 + kid.length);
    const isStored = store.put(place, record);
    record.fill(0);
    return isStored ? undefined : "storeFailed";
  }

  #sealingOf(security: SecurityGroup): EnvelopeKey | undefined {
    const { store, crypto } = this.#parts;
    const record = store.get(key(KIND.SEALING, security.id));
    if (record === undefined) return undefined;
    const at = record.length - SEALING_BYTES;
    return { kid: record.slice(1, at), key: crypto.aeadKey(AES_CCM_16_64_128, record.slice(at)) };
  }

  #revoke({ clientId: client, upTo, appGroup }: Revoked): Refusal | undefined {
    const { rights, groups } = this.#parts;
    const known = this.#issued.of(client);
    let kept: readonly Grant[] = [];
    // What was issued afterwards is not meant, however often it is said.
    kept = known.grants.filter(({ issuedAt }) => issuedAt > upTo); // check: revoked-again
    // Whoever was not heard of yet is noted, too: his token may be on its way.
    let next = { client, from: Math.max(known.from, upTo + 1), grants: kept };
    if (appGroup !== undefined) {
      const isOurs = groups.directory.appGroup(appGroup) !== undefined;
      if (!isOurs || upTo < known.from) return undefined;
      const gone: Grant = { appGroup, level: 0, issuedAt: upTo, expiresAt: undefined };
      const others = known.grants.filter((one) => one.appGroup !== appGroup);
      const isLater = kept.some((one) => one.appGroup === appGroup);
      if (isLater) return undefined; // check: narrowed-again
      kept = others;
      next = { ...known, grants: [...others, gone] };
    }
    const noted = this.#issued.put(next);
    if (noted !== undefined) return noted; // check: revoked-noted
    const isGone = rights.revoke(client, (group) => {
      const isMeant = appGroup === undefined || appGroup === group;
      return isMeant && !kept.some((one) => one.appGroup === group);
    });
    if (!isGone) return "storeFailed";
    // Last: after a cut all of it is told again.
    const places = groups.directory.securities().filter((security) => {
      const entries = [...groups.directory.appGroups()].filter((one) => one.security === security);
      const isMeant = appGroup === undefined || entries.some(({ id }) => id === appGroup);
      return isMeant && !kept.some((one) => entries.some(({ id }) => id === one.appGroup));
    });
    const isFree = places.every((security) => dismiss(groups, security, [client]));
    if (!isFree) return "storeFailed"; // check: revoked-place
    return undefined;
  }

  /** Members that left: nobody waits for their messages any more, and others take their places. */
  #forget({ securityGroup, ids }: GoneMembers): Refusal | undefined {
    const { groups } = this.#parts;
    const security = this.#securityOf(securityGroup);
    if (security === undefined) return "unknownGroup";
    const ownId = security.own?.id ?? groups.clientId;
    const others = ids.filter((id) => !equalBytes(id, ownId));
    return dismiss(groups, security, others) ? undefined : "storeFailed"; // check: gone-durable
  }

  #hasRights(client: Uint8Array): boolean {
    const { rights, groups } = this.#parts;
    const id = new Id64().read(client, 0, client.length);
    if (rights.level(null, id) > 0) return true;
    return [...groups.directory.appGroups()].some((one) => rights.level(one.id, id) > 0);
  }

  /** Whoever comes late takes nothing for new that was said before (handover.ts). */
  #number({ securityGroup, sender: id, next }: NextNumber): Refusal | undefined {
    const { groups } = this.#parts;
    const security = this.#securityOf(securityGroup);
    const association = security?.associations.at(-1);
    if (security === undefined || association === undefined) return "unknownGroup";
    const ownId = security.own?.id ?? groups.clientId;
    if (equalBytes(id, ownId)) return undefined;
    // Who has no place any more is not understood; nothing else depends on it.
    if (introduce(groups, security, id) === "storeFailed") return "storeFailed";
    if (next === 0) return undefined;
    const filing = groups.schemes ?? { fileOf: () => id, filedAs: new Id64(), ...UNFILED };
    const done = handOver(groups, filing, association, [{ id, sequence: next - 1 }]);
    return done.ok ? undefined : (done.drop as "tableFull" | "storeFailed");
  }

  /** The keys before the newest are in the wrong hands (draft-somaraju §5.5). */
  #endGraces(securityGroup: Uint8Array): Refusal | undefined {
    const security = this.#securityOf(securityGroup);
    if (security === undefined) return "unknownGroup";
    for (const { lifetime } of security.associations.slice(0, -1)) {
      if (lifetime !== undefined) lifetime.retiresAtSeconds = 0;
    }
    this.#parts.groups.keyring.retire();
    return security.associations.length <= 1 ? undefined : "storeFailed"; // check: grace-ended
  }
}

/**
 * What a token grants in one application group; undefined where a newer one spoke of it. Of two of
 * one moment, which no KDC issues, the lesser holds: nothing that is presented in turn raises it.
 */
function grantBy(claims: Claims, entry: ScopeEntry, known: Issued): Grant | undefined {
  const { issuedAt, expiresAt, scope } = claims;
  const { appGroup } = entry;
  if (issuedAt < known.from) return undefined; // check: at-r-from
  const level = levelIn(scope, appGroup);
  const before = known.grants.find((one) => one.appGroup === appGroup);
  const asked = { appGroup, level, issuedAt, expiresAt };
  if (before === undefined || before.issuedAt < issuedAt) return asked;
  if (before.issuedAt > issuedAt) return undefined; // check: at-r-newer
  const isGone = before.level === 0 && level > 0;
  if (isGone) return undefined; // check: at-r-gone
  const ends = [before.expiresAt, expiresAt].map((end) => end ?? Number.POSITIVE_INFINITY);
  const end = Math.min(...ends);
  return {
    ...asked,
    level: Math.min(before.level, level) as Level, // check: at-r-same
    expiresAt: Number.isFinite(end) ? end : undefined,
  };
}

function isOver({ expiresAt }: Grant, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

/** Its rights are gone; what is older stays out. */
function ended(grant: Grant): Grant {
  return { ...grant, level: 0, expiresAt: undefined };
}

/** The AT-R that this device presents for a security group; undefined when it has none. */
export function ownToken(store: Pick<Store, "get">, security: number): Uint8Array | undefined {
  return store.get(key(KIND.TOKEN, 1 + security));
}

function isOf(token: Uint8Array | undefined, issuer: string): boolean {
  return token !== undefined && claimsOf(token)?.issuer === issuer;
}

/** Whether a token's envelope is under an older key than another's. */
function isUnderOlder(envelope: Cbor, other: Uint8Array | undefined): boolean {
  const than = other === undefined ? undefined : claimsOf(other)?.envelope;
  const own = envelopeKeyId(envelope);
  const newest = than === undefined ? undefined : envelopeKeyId(than);
  return own !== undefined && newest !== undefined && compareKeyIds(own, newest) < 0;
}
