/** Keys, ids and signing keys of a made-up installation. */
import { uintBytes } from "../../modules/bytes/uint.js";
import { claimsSet } from "./claims-set.js";
import { publicKeyOf } from "./members.js";
import { SCHEMES } from "./schemes.js";
import type {
  Device,
  KeyWord,
  MemberGroup,
  MemberProfile,
  Profile,
  SecurityGroup,
} from "./types.js";

/** At most 32 bytes; which ones, the labels and the installation's seed say. */
export type Draw = (bytes: number, ...labels: readonly (string | number)[]) => Uint8Array;

const GRACE_SECONDS = 60;
const ENDLESS = { validityHours: undefined, messages: undefined };
/** WIRE.md: a Gid is 8 random bytes and an epoch of 2. Of `oscoap-00` so is the Cid. */
const PREFIX_BYTES = 8;

/** A security group with its first key. */
export function keyed(id: number, profile: Profile, draw: Draw): SecurityGroup {
  if (profile === "lowlatency") {
    const keys = [{ keyId: 1, key: draw(16, "group key", id), ...ENDLESS }];
    return { id, profile, graceSeconds: GRACE_SECONDS, keys };
  }
  return memberGroup(id, profile, draw);
}

function memberGroup(id: number, profile: MemberProfile, draw: Draw): MemberGroup {
  const gid = Uint8Array.of(...draw(PREFIX_BYTES, "gid", id), 0, 0);
  const managerSeed = draw(32, "manager", id);
  const values: Readonly<Record<string, KeyWord>> = {
    gid,
    cid: gid,
    epoch: 1,
    baseKey: draw(32, profile, "secret", id),
    masterSecret: draw(16, profile, "secret", id),
    masterSalt: draw(8, profile, "salt", id),
    tgk: draw(16, profile, "secret", id),
    rand: draw(16, profile, "rand", id),
    managerCredential: claimsSet(publicKeyOf(managerSeed)),
  };
  const words = Object.entries(SCHEMES[profile].words).map(([name, { standard }]) => {
    // Between two the ids are enough to find the context by (RFC 8613 §3.3).
    return [name, name === "idContext" ? new Uint8Array(0) : (values[name] ?? standard)];
  });
  return {
    id,
    profile,
    graceSeconds: GRACE_SECONDS,
    keys: [{ words: Object.fromEntries(words), ...ENDLESS }],
    policies: {},
    pair: undefined,
    renegotiate: false,
    bindSources: profile === "dtls-record",
  };
}

/** A context for each commander with each other member of the group it commands. */
export function pairsOf(devices: readonly Device[], draw: Draw): MemberGroup[] {
  const pairs: MemberGroup[] = [];
  devices.forEach((one, index) => {
    for (const other of devices.slice(index + 1)) {
      const isPair = [one.target, other.target].some((target) => {
        return target !== undefined && one.groups.includes(target) && other.groups.includes(target);
      });
      if (!isPair) continue;
      const group = memberGroup(pairs.length + 1, "oscore", draw);
      pairs.push({ ...group, pair: [other.name, one.name] });
    }
  });
  return pairs;
}

/**
 * Short ids, those who command first: an id of one byte is one byte in every message, and all that
 * `dtls-record` has room for. And a key to sign with, where members sign.
 */
export function enrol(devices: readonly Device[], profile: MemberProfile, draw: Draw): Device[] {
  const commanders = devices.filter(({ target }) => target !== undefined);
  const order = [...commanders, ...devices.filter(({ target }) => target === undefined)];
  const { signs } = SCHEMES[profile];
  return devices.map((device) => {
    const clientId = uintBytes(order.indexOf(device) + 1);
    const signingSeed = signs ? draw(32, "signing seed", device.name) : undefined;
    return { ...device, clientId, signingSeed };
  });
}
