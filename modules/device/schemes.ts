/**
 * The schemes with a key for each member, as a service that a build has or not: the entry of an
 * image for a board with little ROM leaves it out, and with it all that only these schemes need.
 */
import { toHex } from "../bytes/hex.js";
import { MemberIntake } from "../groups/intake-member.js";
import type { MemberGroup } from "../groups/members.js";
import { loadOwn, storeOwn } from "../groups/own.js";
import { sealUnder } from "../groups/protect.js";
import { Schemes } from "../groups/schemes.js";
import type { Random } from "../ports/random.js";
import { dtlsRecord } from "../profiles/dtls-record.js";
import { groupOscore } from "../profiles/group-oscore.js";
import { groupOscore02 } from "../profiles/group-oscore-02.js";
import { multicastOscore04 } from "../profiles/multicast-oscore-04.js";
import { oscoap00 } from "../profiles/oscoap-00.js";
import { oscore } from "../profiles/oscore.js";
import type { Profile } from "../profiles/profile.js";
import { answerChallenge, awaitChallenges } from "./echo.js";
import type { Membership, Parts, SchemeServices } from "./parts.js";
import { begin } from "./policy.js";
import { askedBy, receiveMember, receiveRecord } from "./receive-member.js";

/** All but `lowlatency`, which each device has. */
const everyScheme: SchemeServices = {
  profiles: byName([oscoap00, multicastOscore04, groupOscore02, dtlsRecord, groupOscore, oscore]),
  make: (crypto, store) => new Schemes({ crypto, store, seal: unconnected }),
  connect,
  awaitChallenges,
  answerChallenge,
  enter,
  own: ({ store, crypto }, security) => loadOwn(store, crypto, security),
  receive: receiveMember,
  receiveRecord,
};

export const schemes = Object.freeze(everyScheme);

// biome-ignore lint/suspicious/noExplicitAny: each scheme has its own keys
function byName(profiles: readonly Profile<any, any>[]): Readonly<Record<string, Profile>> {
  return Object.freeze(Object.fromEntries(profiles.map((profile) => [profile.name, profile])));
}

function unconnected(): never {
  throw new Error("schemes: not connected yet");
}

function connect(schemes: Schemes, device: Parts, random: Random): void {
  const { groups } = device;
  groups.schemes = schemes;
  groups.keyring.onDropped = (association) => {
    association.security.derived?.forget(association);
    schemes.forget(association);
    device.renegotiation?.forget(association);
  };
  schemes.seal = (outgoing) => sealUnder(groups, schemes, outgoing);
  schemes.isAsked = (arriving, datagram) => askedBy(device, arriving, datagram).ok;
  if (groups.quick !== undefined) groups.quick = new MemberIntake(groups.quick, schemes);
  begin(schemes, device, random);
}

/** What the installation says of this device's group: who is in it, and as whom it is. */
function enter(schemes: Schemes, security: MemberGroup, part: Membership): void {
  const { members, store } = schemes;
  const { id } = security;
  const isKept = part.isManaged === true && part.members.length === 0;
  let isClear = true;
  // Who is not named any more is nobody here, whatever key he has.
  if (!isKept) isClear = members.clear(id); // check: members-forgotten
  const stored = isClear && storeOwn(store, id, part);
  if (!stored) throw new Error(`security group ${id}: flash refuses its members`);
  for (const member of part.members) {
    const put = members.put(security, member);
    if (put.ok) continue;
    const isRefused = put.drop === "unknownMember";
    const why = isRefused ? "its credential is none to be trusted" : put.drop;
    throw new Error(`security group ${id}: member ${toHex(member.id)} not stored (${why})`);
  }
}
