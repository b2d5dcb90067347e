/** What goes with keys to a member: the terms of his groups, and who is to be heard no more. */
import {
  type Branch,
  GONE_MAX,
  type GoneMembers,
  type KeyDelivery,
  type Revoked,
} from "../access/delivery.js";
import { RECEIVER, SENDER } from "../access/scope.js";
import { treeKeyValue } from "../access/tree.js";
import { fromHex } from "../bytes/hex.js";
import { readUint, uintBytes } from "../bytes/uint.js";
import { encode } from "../cbor/encode.js";
import { type Listening, type NextNumber, numbersOf } from "./heard.js";
import { pathOf } from "./keytree.js";
import type { Rows } from "./ledger.js";
import { schemeOf } from "./material.js";
import { narrowedIn } from "./narrowing.js";
import { groups, inGroup, keys, members, membersOf, NONE, numberKey } from "./records.js";
import { staleSets } from "./stale.js";

/** The latest of them: a receiver drops what it has of theirs. */
const REVOKED_TOLD_MAX = 32;

/** Everything but the tokens, for a member of these security groups. */
export function termsFor(
  rows: Rows,
  member: { clientId: Uint8Array; groups: readonly number[]; now: number },
  listening?: Listening,
): Omit<KeyDelivery, "tokens"> {
  const { clientId, now } = member;
  const told = member.groups.map((group) => {
    const record = groups.need(rows, numberKey(group));
    const { roles, confirmed } = members.need(rows, inGroup(group, clientId));
    const sends = (roles & SENDER) !== 0;
    const { madeAt } = keys.need(rows, inGroup(group, record.epoch));
    const securityGroup = uintBytes(group);
    const { validitySeconds, messages, kek, kekNumber, brokenBefore } = record;
    const isEndless = validitySeconds === NONE;
    return {
      securityGroup,
      receives: (roles & RECEIVER) !== 0,
      numbers: numbersOf(rows, group, listening),
      answering: sends ? answeringTo(rows, group, record.profile) : [],
      // Who has nothing older than that is not told: his newest key keeps its grace.
      isBroken: brokenBefore > confirmed && brokenBefore > 0,
      branch: branchOf(rows, group, clientId),
      gone: goneFrom(rows, group, confirmed),
      sealing: { securityGroup, kid: uintBytes(kekNumber), key: kek },
      terms: {
        securityGroup,
        validitySeconds: isEndless ? undefined : Math.max(0, validitySeconds - (now - madeAt)),
        messages: messages === NONE ? undefined : messages,
      },
    };
  });
  return {
    sealings: told.filter(({ receives }) => receives).map(({ sealing }) => sealing),
    broken: told.filter(({ isBroken }) => isBroken).map(({ securityGroup }) => securityGroup),
    revoked: revokedOf(rows, told),
    terms: told.map(({ terms }) => terms),
    branches: told.flatMap(({ branch }) => branch ?? []),
    gone: told.flatMap(({ gone }) => gone ?? []),
    numbers: told.flatMap(({ securityGroup, receives, numbers, answering }) => {
      const others = [...(receives ? numbers : []), ...answering];
      return others.map(({ clientId: sender, next }) => ({ securityGroup, sender, next }));
    }),
  };
}

/** Who answers a sender; in most schemes an answer says whose it is, or its key is looked up. */
function answeringTo(rows: Rows, group: number, profile: string): NextNumber[] {
  if (schemeOf(profile).isNameless !== true) return [];
  const answer = membersOf(rows, group).filter(({ member }) => (member.roles & RECEIVER) !== 0);
  return answer.map(({ clientId }) => ({ clientId, next: 0 }));
}

/** Who left since the key that he has said he has, as far as is known; the latest. */
function goneFrom(rows: Rows, group: number, since: number): GoneMembers | undefined {
  const gone: Uint8Array[] = [];
  for (const id of staleSets(rows, group, since)) {
    const isBack = members.get(rows, inGroup(group, id)) !== undefined;
    if (isBack) continue; // check: gone-back
    gone.push(id);
  }
  const ids = gone.slice(-GONE_MAX);
  return ids.length === 0 ? undefined : { securityGroup: uintBytes(group), ids };
}

/** His keys in the group's key tree, where it has one. */
function branchOf(rows: Rows, group: number, clientId: Uint8Array): Branch | undefined {
  const path = pathOf(rows, group, clientId);
  if (path === undefined) return undefined;
  const { epoch } = groups.need(rows, numberKey(group));
  const keysOf = encode(path.map(treeKeyValue));
  return { securityGroup: uintBytes(group), epoch, path: keysOf };
}

/** Whose tokens count for nothing, or for less, in groups that he hears; the latest ones. */
function revokedOf(
  rows: Rows,
  told: readonly { securityGroup: Uint8Array; receives: boolean }[],
): Revoked[] {
  const all = rows.keys("revoked", "").map((client): Revoked => {
    const value = rows.get("revoked", client) ?? new Uint8Array(0);
    return { clientId: fromHex(client), upTo: readUint(value) };
  });
  const heard = told.filter(({ receives }) => receives);
  all.push(
    ...narrowedIn(
      rows,
      heard.map(({ securityGroup }) => readUint(securityGroup)),
    ),
  );
  return all.sort((a, b) => b.upTo - a.upTo).slice(0, REVOKED_TOLD_MAX);
}
