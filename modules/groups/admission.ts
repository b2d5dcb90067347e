/**
 * A member's side of the Group Manager (RFC 9594 §4, draft-ietf-ace-key-groupcomm-oscore §6 to §9):
 * how it enters a group whose members sign, comes by the others' public keys, gets a new key when
 * its numbers are used up, and leaves.
 *
 *   /authz-info                 AT-KDC             ->  N_S
 *   /ace-group/GROUP            tasks, credential, its signature over N_S and N_C  ->  credentials
 *   /ace-group/GROUP/creds      ids, or all but ids  ->  credentials
 *   /ace-group/GROUP/nodes/ME   POST: a new key; DELETE: leaves
 *
 * Group keys themselves and senders' numbers come from `/keys`, in every scheme alike, and rights
 * with them. So what is entered here is noted in flash, and asked for once: a member that enters
 * again would cost everybody a new key.
 *
 * Who answers was proven by the channel; that he has the Group Manager's signing key, too, shows
 * 'kdc_cred_verify'.
 */
import { ACE, ACE_CBOR, parametersOf } from "../access/ace.js";
import { MONITOR, P, peerTasks, popInput } from "../access/groupcomm.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import type { Drop } from "../bytes/outcome.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import {
  BAD_REQUEST,
  CHANGED,
  CONTENT,
  CREATED,
  codeClass,
  DELETE,
  FETCH,
  FORBIDDEN,
  POST,
  UNAUTHORIZED,
} from "../coap/options.js";
import type { Crypto, Signer } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";
import type { Member } from "../profiles/profile.js";
import type { Ask, SecureResponse, Told } from "../secure/request.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { CREDENTIAL_BYTES_MAX, MEMBER_ID_BYTES_MAX } from "./bounds.js";
import type { SecurityGroup } from "./directory.js";
import type { Groups } from "./groups.js";
import { type Entered, TOKEN } from "./join.js";
import { MEMBERS_MAX } from "./members.js";
import { ACE_GROUPCOMM_CBOR, questionFor } from "./repository.js";

const NONCE_BYTES = 8;
const ROOT = "ace-group";
/**
 * Credentials in one answer, so that it is not longer than a channel's bodies with all else that an
 * answer has, whatever their length. A hundred come in seven.
 */
export const PORTION = 16;
/** A hundred members of 50 bytes. */
const LIMITS = { depthMax: 6, itemsMax: 512 };

export interface AdmissionParts {
  readonly crypto: Crypto;
  readonly random: Random;
  readonly store: Pick<Store, "get" | "put" | "delete" | "has" | "keys">;
  readonly groups: Groups;
  /** As old as this device's numbers. */
  readonly incarnation: Uint8Array;
  /** Of the Group Manager's signatures. */
  readonly managerKey: () => Uint8Array | undefined;
  /** What to be in a group: bits of access/groupcomm.ts, what is wanted most first. */
  readonly tasks: (security: SecurityGroup) => readonly number[];
  readonly ask: (ask: Ask, done: Told) => void;
  readonly log: (text: string) => void;
}

type Done = (what: Entered) => void;

/** One group to be entered, and how far that is. */
interface Entering {
  readonly security: SecurityGroup;
  readonly tasks: readonly number[];
  readonly challenge: Uint8Array;
  /** A challenge came instead of an answer: once more, and no more. */
  readonly isAgain?: boolean;
}

/** Members of a group that are met, a portion at a time. */
interface Meeting {
  readonly security: SecurityGroup;
  /** Of those who are to be met; empty: of all. */
  readonly tasks: readonly number[];
  /** Ids of those who were told of, or need not be. */
  readonly met: Uint8Array[];
}

export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Enters those of the groups whose members sign, and renews keys there that are used up. */
  enter(token: Uint8Array, wanted: readonly number[], done: Done): void {
    const { directory } = this.#parts.groups;
    const all = wanted.map((id) => directory.appGroup(id)?.security);
    const left = [...new Set(all)].filter((one): one is SecurityGroup => {
      return one !== undefined && signs(one) && (!this.#isIn(one) || this.#isSpent(one));
    });
    if (left.length === 0) {
      done("entered");
      return;
    }
    this.#present(token, done, (challenge) => this.#next(left, challenge, done));
  }

  /** RFC 9594 §3.3; `then` with what our key has to be shown over. */
  #present(token: Uint8Array, done: Done, then: (challenge: Uint8Array) => void): void {
    const payload = encode(new Map<Cbor, Cbor>([[ACE.ACCESS_TOKEN, token]]));
    const ask = { method: POST, path: ["authz-info"], format: ACE_CBOR, payload };
    this.#ask(ask, done, ({ code, payload: said }) => {
      const challenge = said && parametersOf(said)?.get(ACE.KDCCHALLENGE);
      if (code === CREATED && challenge instanceof Uint8Array) then(challenge);
      else done(codeClass(code) === 4 ? "refused" : "unanswered");
    });
  }

  /** The Group Manager does not know us any more. */
  forget(): void {
    const { store } = this.#parts;
    for (const entered of store.keys(KIND.ENTERED)) store.delete(entered);
  }

  /** Asks for one member's credential; `done` hears whether it is there now. */
  inquire(security: SecurityGroup, id: Uint8Array, done: (isThere: boolean) => void): void {
    const path = [ROOT, `${security.id}`, "creds"];
    const payload = questionFor(id);
    const ask = { method: FETCH, path, format: ACE_GROUPCOMM_CBOR, payload };
    this.#askAsMember(ask, (answered) => {
      const response = answered.ok ? answered.response : undefined;
      const isTold = response?.code === CONTENT;
      done(isTold && this.#learn(security, response.payload).some((one) => equalBytes(one, id)));
    });
  }

  /** Asks for everybody's credentials; `done` when they are known, or nobody tells them. */
  meet(security: SecurityGroup, done: () => void): void {
    const own = security.own?.id ?? this.#parts.groups.clientId;
    this.#inquireOthers({ security, tasks: [], met: [own] }, done);
  }

  /** RFC 9594 §4.4.1: those of everybody but who was met already. */
  #inquireOthers(meeting: Meeting, done: () => void): void {
    const { security, tasks, met } = meeting;
    const path = [ROOT, `${security.id}`, "creds"];
    const others: Cbor = [false, [...tasks], [...met]];
    const payload = encode(
      new Map<Cbor, Cbor>([
        [P.GET_CREDS, others],
        [P.CREDS_MAX, PORTION],
      ]),
    );
    const ask = { method: FETCH, path, format: ACE_GROUPCOMM_CBOR, payload };
    this.#askAsMember(ask, (answered) => {
      const response = answered.ok ? answered.response : undefined;
      if (response?.code === CONTENT) this.#met(meeting, response.payload, done);
      else done();
    });
  }

  /** Learns what an answer says, and asks for the next ones where that was a full one. */
  #met(meeting: Meeting, payload: Uint8Array | undefined, done: () => void): void {
    const { security, met } = meeting;
    const ids = idsIn(payload).filter((id) => !met.some((one) => equalBytes(one, id)));
    this.#learn(security, payload);
    met.push(...ids);
    let isMore = ids.length >= PORTION;
    if (met.length > MEMBERS_MAX) isMore = false; // check: admission-met-max
    if (isMore) this.#inquireOthers(meeting, done);
    else done();
  }

  /** In peace: whoever is put out does not say so himself. */
  leave(security: SecurityGroup, done: (isOut: boolean) => void = () => {}): void {
    const { store } = this.#parts;
    if (!this.#isIn(security)) return;
    this.#askAsMember({ method: DELETE, path: this.#nodeOf(security) }, (answered) => {
      const isOut = answered.ok && codeClass(answered.response.code) !== 5;
      if (isOut) store.delete(key(KIND.ENTERED, security.id));
      done(isOut);
    });
  }

  #isIn({ id }: SecurityGroup): boolean {
    return this.#parts.store.has(key(KIND.ENTERED, id));
  }

  /** It has a key, and that one has come to its end. */
  #isSpent(security: SecurityGroup): boolean {
    const { keyring } = this.#parts.groups;
    return security.associations.length > 0 && keyring.current(security) === undefined;
  }

  #nodeOf({ id, own }: SecurityGroup): string[] {
    const { clientId } = this.#parts.groups;
    return [ROOT, `${id}`, "nodes", toHex(own === undefined ? clientId : own.id)];
  }

  #next(left: readonly SecurityGroup[], challenge: Uint8Array, done: Done): void {
    const [security, ...others] = left;
    if (security === undefined) {
      done("entered");
      return;
    }
    const then: Done = (what) => {
      if (what === "entered") this.#next(others, challenge, done);
      else done(what);
    };
    if (this.#isIn(security)) this.#renew(security, then);
    else this.#join({ security, tasks: this.#parts.tasks(security), challenge }, then);
  }

  /** RFC 9594 §4.8.2. A key that is young is not followed by another: then there is one already. */
  #renew(security: SecurityGroup, done: Done): void {
    const ask = { method: POST, path: this.#nodeOf(security) };
    this.#ask(ask, done, () => done("entered"));
  }

  /** RFC 9594 §4.3.1. */
  #join(entering: Entering, done: Done): void {
    const { security, tasks, challenge, isAgain } = entering;
    const nonce = this.#nonce();
    const path = [ROOT, `${security.id}`];
    const payload = this.#joinRequest(entering, nonce);
    this.#ask({ method: POST, path, format: ACE_GROUPCOMM_CBOR, payload }, done, (response) => {
      const { code, payload: said } = response;
      if (code === CREATED || code === CHANGED) {
        if (!this.#isTaken(security, nonce, said)) {
          done("unanswered");
          return;
        }
        const [task = MONITOR] = tasks;
        // Whoever is not met now, is asked for when he is heard.
        const meeting = { security, tasks: peerTasks(task), met: [] };
        this.#met(meeting, said, () => done("entered"));
        return;
      }
      const other = code === BAD_REQUEST ? mapOf(said)?.get(P.KDCCHALLENGE) : undefined;
      if (other instanceof Uint8Array && isAgain !== true) {
        this.#join({ ...entering, challenge: other, isAgain: true }, done);
      } else if (code === FORBIDDEN && tasks.length > 1) {
        this.#join({ security, tasks: tasks.slice(1), challenge }, done);
      } else done(codeClass(code) === 4 ? "refused" : "unanswered");
    });
  }

  #joinRequest({ security, tasks, challenge }: Entering, nonce: Uint8Array): Uint8Array {
    const { incarnation } = this.#parts;
    const [task = MONITOR] = tasks;
    const scope = encode([`${security.id}`, task]);
    const map = new Map<Cbor, Cbor>([
      [P.SCOPE, scope],
      [P.GET_CREDS, null],
      [P.CREDS_MAX, PORTION],
      [P.CNONCE, nonce],
      [P.INCARNATION, incarnation],
    ]);
    const signer: Signer | undefined = security.own?.signer;
    if (signer !== undefined && security.own !== undefined) {
      map.set(P.CLIENT_CRED, security.own.credential);
      map.set(P.CLIENT_CRED_VERIFY, signer.sign(popInput(scope, challenge, nonce)));
    }
    return encode(map);
  }

  /** What a Group Manager says to who is a member now. */
  #isTaken(security: SecurityGroup, nonce: Uint8Array, payload: Uint8Array | undefined): boolean {
    const { store, log } = this.#parts;
    const map = mapOf(payload);
    const isGenuine = map !== undefined && this.#isManagers(map, nonce);
    if (!isGenuine) log(`group ${security.id}: its manager does not show its key`);
    if (!isGenuine) return false; // check: admission-manager
    return store.put(key(KIND.ENTERED, security.id), new Uint8Array(1));
  }

  /** RFC 9594 §4.3.1 'kdc_cred_verify': over N_C ‖ N_KDC. */
  #isManagers(map: Map<Cbor, Cbor>, nonce: Uint8Array): boolean {
    const { crypto, managerKey } = this.#parts;
    const publicKey = managerKey();
    const [own, signature] = [map.get(P.KDC_NONCE), map.get(P.KDC_CRED_VERIFY)];
    if (!(own instanceof Uint8Array) || !(signature instanceof Uint8Array)) return false;
    if (publicKey === undefined) return false;
    const data = popInput(nonce, own);
    return crypto.signatures?.verify({ data, signature, publicKey }) === true;
  }

  /** Enters members that an answer has credentials of; ids of those that are known now. */
  #learn(security: SecurityGroup, payload: Uint8Array | undefined): Uint8Array[] {
    const { groups } = this.#parts;
    const ownId = security.own?.id ?? groups.clientId;
    const known: Uint8Array[] = [];
    for (const member of membersIn(payload)) {
      // Nobody else is this device.
      if (equalBytes(member.id, ownId)) continue; // check: admission-own
      if (this.#put(security, member) === undefined) known.push(member.id);
    }
    return known;
  }

  #put(security: SecurityGroup, member: Member): Drop | undefined {
    const { schemes } = this.#parts.groups;
    if (schemes === undefined) return "unknownMember";
    const { id, credential } = member;
    const before = schemes.members.find(security.id, id, 0, id.length);
    if (before !== undefined && equalBytes(before.credential, credential)) return undefined;
    const put = schemes.members.put(security, member);
    if (!put.ok) return put.drop;
    // What was made of another credential of his is his no more.
    for (const association of security.associations) schemes.contexts.forget(association, id);
    return undefined;
  }

  #nonce(): Uint8Array {
    const nonce = new Uint8Array(NONCE_BYTES);
    this.#parts.random.fill(nonce);
    return nonce;
  }

  /**
   * A question of who is in already. A token that went to `/keys` alone is not known here, and what
   * was shown here before is older, or over: then the newest one is shown, and it is asked again.
   */
  #askAsMember(ask: Ask, done: Told): void {
    this.#parts.ask(ask, (answered) => {
      const isStranger = answered.ok && answered.response.code === UNAUTHORIZED;
      const token = isStranger ? this.#parts.store.get(TOKEN) : undefined;
      if (token === undefined) done(answered);
      else {
        const asBefore = () => done(answered);
        this.#present(token, asBefore, () => this.#parts.ask(ask, done));
      }
    });
  }

  #ask(ask: Ask, done: Done, take: (response: SecureResponse) => void): void {
    this.#parts.ask(ask, (answered) => {
      if (answered.ok) take(answered.response);
      else done("unanswered");
    });
  }
}

/** Whether members of this group need credentials. */
export function signs({ profile }: SecurityGroup): boolean {
  return profile.signed !== undefined;
}

function idsIn(payload: Uint8Array | undefined): Uint8Array[] {
  const ids = mapOf(payload)?.get(P.PEER_IDENTIFIERS);
  if (!Array.isArray(ids)) return [];
  return ids.filter((id): id is Uint8Array => {
    return id instanceof Uint8Array && id.length <= MEMBER_ID_BYTES_MAX;
  });
}

/** `creds` and `peer_identifiers` are in the same order. */
function membersIn(payload: Uint8Array | undefined): Member[] {
  const map = mapOf(payload);
  const [creds, ids] = [map?.get(P.CREDS), map?.get(P.PEER_IDENTIFIERS)];
  if (!Array.isArray(creds) || !Array.isArray(ids)) return [];
  return ids.flatMap((id, at) => {
    const credential = creds[at];
    if (!(id instanceof Uint8Array) || !(credential instanceof Uint8Array)) return [];
    const isShort = id.length <= MEMBER_ID_BYTES_MAX && credential.length <= CREDENTIAL_BYTES_MAX;
    if (!isShort) return []; // check: admission-lengths
    return [{ id, credential }];
  });
}

function mapOf(payload: Uint8Array | undefined): Map<Cbor, Cbor> | undefined {
  const decoded = payload && decode(payload, LIMITS);
  return decoded?.ok === true && decoded.value instanceof Map ? decoded.value : undefined;
}
