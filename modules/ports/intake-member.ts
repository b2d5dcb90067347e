/**
 * Native help on the receive path (intake.ts) for schemes with a key for each member, RFC 10021's
 * group mode: a part of its own, because not every image has such schemes.
 *
 * It does what `groups/candidates.ts`, `groups/verify.ts` and `profiles/group-oscore.ts` do with a
 * light command to many up to the opened message, and tells what is replayed or forged; whatever
 * else comes it declines. Marking is a second call: in between somebody decides whether the
 * signature may wait (`groups/unverified.ts`).
 *
 * Tables, numbers big-endian: a head, a line for each address a group is spoken to at, a line for
 * each member whose context is at hand, then bytes that the lines point to, each by its start in
 * the tables and its size, two bytes each. The other elements of the state are as in intake.ts;
 * `keys` holds the key of each member's line.
 */

/** Groups; ports listened on (at most 8); members; one byte unused. */
export const MEMBERS_GROUPS = 0;
export const MEMBERS_PORT_COUNT = 1;
export const MEMBERS_COUNT = 2;
/** Two bytes each. */
export const MEMBERS_PORTS = 4;
export const MEMBERS_HEAD_BYTES = 20;

/** Multicast address, 16 bytes. */
export const GROUP_ADDRESS = 0;
/** Application group, 4 bytes. */
export const GROUP_ID = 16;
/** The association's index, 2 bytes. */
export const GROUP_ASSOCIATION = 20;
/** Numbers below the highest that are told apart. */
export const GROUP_WINDOW = 22;
/** Bytes of the tag: 8 or 16. */
export const GROUP_TAG = 23;
/** Part of the external_aad between the partial IV and the OSCORE option. */
export const GROUP_MIDDLE = 24;
/** Its end, behind the sender's credential. */
export const GROUP_LAST = 28;
/** The Gid's length, and the Gid. */
export const GROUP_KEY_ID_LENGTH = 32;
export const GROUP_KEY_ID = 33;
export const GROUP_KEY_ID_MAX = 15;
export const GROUP_BYTES = 48;
export const GROUPS_MAX = 255;

/** The association's index, 2 bytes. */
export const MEMBER_ASSOCIATION = 0;
/** The id's length, and the id. */
export const MEMBER_ID_LENGTH = 2;
export const MEMBER_ID = 3;
export const MEMBER_ID_MAX = 7;
/** All of the nonce but the partial IV, 13 bytes. */
export const MEMBER_BASE = 10;
/** Part of the external_aad up to request_piv. */
export const MEMBER_FIRST = 24;
/** The credential as the external_aad has it. */
export const MEMBER_CREDENTIAL = 28;
export const MEMBER_BYTES = 32;
