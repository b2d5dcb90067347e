/**
 * What a group of 2 to 1,000 pays when one member goes or one comes: messages and bytes of
 * management keys shared pairwise with each member (GKMP, RFC 2093) and of a key tree (RFC 2627).
 *
 * Bytes are payloads, as `/keys/push` and the Group Manager's multicast carry them, of a
 * `lowlatency` group and signatures of 64 bytes; CoAP, DTLS and the network come on top of both.
 */
import { emitDelivery } from "../../modules/access/delivery.js";
import { RECEIVER } from "../../modules/access/scope.js";
import { treeKeyValue } from "../../modules/access/tree.js";
import {
  accessToken,
  type Center,
  createGroup,
  renew,
} from "../../modules/authority/distribution.js";
import { plant, prune, renewalMessages } from "../../modules/authority/keytree.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { NONE } from "../../modules/authority/records.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { encode } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { AES_CCM_16_64_128, EDDSA } from "../../modules/ports/crypto.js";

export const SIZES: readonly number[] = [2, 5, 10, 20, 50, 100, 200, 500, 1000];
const GROUP = 9;
const TERMS = {
  profile: "lowlatency",
  graceSeconds: 60,
  validitySeconds: NONE,
  messages: NONE,
  renewsOnJoin: true,
  renewsOnLeave: true,
};

export interface Cost {
  readonly messages: number;
  readonly bytes: number;
}

export interface RekeyingRow {
  readonly members: number;
  /** One goes: each of the others hears of the new key. */
  readonly evictPairwise: Cost;
  readonly evictTree: Cost;
  /** One comes, and must not read what was said before: all hear, and he himself. */
  readonly joinPairwise: Cost;
  readonly joinTree: Cost;
}

export function rekeyingTable(sizes: readonly number[] = SIZES): RekeyingRow[] {
  const center = benchCenter();
  const ledger = new MemoryLedger();
  return ledger.run((rows) => {
    createGroup(rows, center, GROUP, TERMS);
    renewed(rows, center);
    const push = pushBytes(rows, center);
    let joined = 0;
    return sizes.map((members) => {
      while (joined < members - 1) plant(rows, center, GROUP, uintBytes(++joined));
      const newcomer = plant(rows, center, GROUP, uintBytes(++joined));
      renewed(rows, center);
      const heard = renewalMessages(rows, center, GROUP, newcomer.wraps);
      const own = push + encode(newcomer.path.map(treeKeyValue)).length;
      // From the middle: the worst there is in a full tree, whoever it is.
      const gone = uintBytes(Math.ceil(members / 2));
      const wraps = prune(rows, center, GROUP, gone);
      renewed(rows, center);
      const evicted = costOf(renewalMessages(rows, center, GROUP, wraps));
      plant(rows, center, GROUP, gone);
      const joinTree = costOf(heard);
      return {
        members,
        evictPairwise: { messages: members - 1, bytes: (members - 1) * push },
        evictTree: evicted,
        joinPairwise: { messages: members, bytes: members * push },
        joinTree: { messages: joinTree.messages + 1, bytes: joinTree.bytes + own },
      };
    });
  });
}

function renewed(rows: Rows, center: Center): void {
  renew(rows, center, GROUP, { isBroken: false, now: 0 });
}

function costOf(messages: readonly Uint8Array[]): Cost {
  return {
    messages: messages.length,
    bytes: messages.reduce((sum, { length }) => sum + length, 0),
  };
}

/** A push to one member: a token with the key, and what is told with it. */
function pushBytes(rows: Rows, center: Center): number {
  const key = center.crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(16));
  const token = accessToken(rows, center, {
    group: GROUP,
    claims: { subject: uintBytes(1000) },
    scope: [{ appGroup: 1, level: 2, roles: RECEIVER }],
    pairwise: { kid: uintBytes(1), key },
    now: 1_790_000_000,
  });
  const securityGroup = uintBytes(GROUP);
  return emitDelivery({
    tokens: [token],
    sealings: [{ securityGroup, kid: uintBytes(1), key: new Uint8Array(16) }],
    broken: [],
    revoked: [],
    terms: [],
    numbers: [],
  }).length;
}

/** Chance that repeats: only lengths are looked at. */
function benchCenter(): Center {
  const crypto = new TsCrypto(new NobleSignatures());
  const signer = crypto.signatures?.signer(new Uint8Array(32).fill(7));
  if (signer === undefined) throw new Error("this build has signatures");
  let last = 0;
  return {
    crypto,
    name: "kdc",
    voucher: { alg: EDDSA, signer },
    kid: uintBytes(1),
    random: {
      fill: (bytes) => {
        for (let at = 0; at < bytes.length; at++) bytes[at] = last++ & 0xff;
      },
    },
    anchors: [],
    domain: "hall",
    managerCredential: new Uint8Array(0),
  };
}

/** Sizes at which the tree's messages for one eviction do not grow with the logarithm. */
export function misses(table: readonly RekeyingRow[]): number[] {
  const isOver = ({ members, evictTree }: RekeyingRow) =>
    evictTree.messages > Math.ceil(Math.log2(members)) + 1;
  return table.filter(isOver).map(({ members }) => members);
}

/** Prints the table; 1 when a tree costs more than its height. */
export function reportRekeying(isJson: boolean): number {
  const table = rekeyingTable();
  const over = misses(table);
  if (isJson) console.log(JSON.stringify({ rekeying: table, over }));
  else for (const line of rekeyingLines(table)) console.log(line);
  for (const members of over) {
    console.error(`${members} members: an eviction takes more messages than log2 of them`);
  }
  return over.length === 0 ? 0 : 1;
}

function rekeyingLines(table: readonly RekeyingRow[]): string[] {
  const cell = ({ messages, bytes }: Cost) =>
    `${`${messages}`.padStart(6)} ${`${bytes}`.padStart(8)}`;
  const head = ["evict pairwise", "evict tree", "join pairwise", "join tree"];
  return [
    "messages and bytes of payload",
    `members ${head.map((name) => name.padStart(15)).join("  ")}`,
    ...table.map(({ members, evictPairwise, evictTree, joinPairwise, joinTree }) => {
      const cells = [evictPairwise, evictTree, joinPairwise, joinTree].map(cell);
      return `${`${members}`.padStart(7)} ${cells.join("  ")}`;
    }),
  ];
}
