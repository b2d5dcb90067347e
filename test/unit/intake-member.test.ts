/**
 * What becomes of a message that native help opened (modules/groups/intake-member.ts): whether its
 * signature may wait and its number is fresh is decided here, and nothing is done before it is
 * marked.
 */
import { equal, test } from "../harness.js";
import { OFF } from "../support/craft.js";
import { DEFER, type GuildSpec } from "../support/guild.js";
import { guildOf, LAMP, lampIn, light, OTHER_SWITCH, rightsIn, verdict } from "../support/lamps.js";
import { FakeMembers } from "../support/quick-members.js";
import { Room } from "../support/rig.js";

const [ON_LEVEL, OFF_LEVEL] = [254, 0];
/** Signatures that waited are verified by then. */
const LATER = 200_000;

/** A lamp that has heard the switch's number 2, verified, and is on; and how native help opens. */
function heard(more: Partial<GuildSpec> = {}) {
  const room = new Room();
  const guild = guildOf("group-oscore", { policy: DEFER, ...more });
  const intake = new FakeMembers();
  const lamp = lampIn(room, guild, { rights: rightsIn(guild), intake }, LAMP);
  // Where a first number is only taken note of, the next is obeyed.
  verdict(lamp, guild.craft(light(1)));
  equal(verdict(lamp, guild.craft(light(2))), "accepted");
  equal(lamp.level, ON_LEVEL);
  room.clock.advance(LATER);
  lamp.events.length = 0;
  const { row } = lamp.device.groups.arriving;
  /** "Off", which native help opened; `signer` made it. */
  const opened = (sequence: number, signer?: number) => {
    intake.told = { row, sequence, payload: OFF };
    const by = signer === undefined ? {} : { signer };
    const said = verdict(lamp, guild.craft(light(sequence, { payload: OFF, ...by })));
    intake.told = undefined;
    return said;
  };
  return { room, guild, intake, lamp, opened, row };
}

test("what may wait is obeyed as native help opened it, marked, and verified later", () => {
  const { room, guild, intake, lamp, opened } = heard();
  const before = lamp.signatures.verified;
  equal(opened(3), "accepted");
  equal([intake.marks, lamp.level], [1, OFF_LEVEL]);
  equal([lamp.device.groups.schemes?.proof.by, lamp.count("unverified")], ["group", 1]);
  equal(lamp.signatures.verified, before);
  room.clock.advance(LATER);
  equal([lamp.count("verified"), lamp.signatures.verified - before], [1, 1]);
  equal(verdict(lamp, guild.craft(light(4))), "accepted", "what it declines is the reference's");
  equal([intake.marks, lamp.level], [1, ON_LEVEL]);
});

test("what has to be verified first is, though native help opened it", () => {
  const { guild, intake, lamp, opened } = heard();
  const beyond = 2 + guild.profile.window + 1;
  equal(opened(beyond, OTHER_SWITCH), "forged");
  equal([intake.marks, lamp.level, lamp.count("unverified")], [0, ON_LEVEL, 0]);
  equal(opened(beyond), "accepted", "the number is its member's still");
  equal([intake.marks, lamp.level, lamp.count("unverified")], [0, OFF_LEVEL, 0]);
});

test("a gap is the synchronisation's to judge, though native help opened it", () => {
  const baseline = [7, 1] as const;
  const gapMax = [9, 3] as const;
  const [signatures, accept] = DEFER;
  const { guild, intake, lamp, opened } = heard({ policy: [signatures, baseline, accept, gapMax] });
  equal(opened(3), "accepted");
  equal([intake.marks, lamp.level], [1, OFF_LEVEL]);
  equal(verdict(lamp, guild.craft(light(4))), "accepted");
  equal(opened(4 + 5), "notSynchronised");
  equal([intake.marks, lamp.level], [1, ON_LEVEL]);
});

test("what flash does not vouch for is not obeyed", () => {
  const { intake, lamp, opened } = heard();
  intake.way = "refused";
  equal(opened(3), "storeFailed");
  equal([intake.marks, lamp.level, lamp.count("unverified")], [1, ON_LEVEL, 0]);
});

test("what native help left unmarked is marked here, or not obeyed", () => {
  const { guild, intake, lamp, opened } = heard();
  intake.way = "left";
  equal(opened(3), "accepted");
  equal(lamp.level, OFF_LEVEL);
  equal(verdict(lamp, guild.craft(light(3))), "replayed");
  lamp.flash.refuses = () => true;
  equal(opened(2 + guild.profile.window), "storeFailed");
  equal(lamp.count("unverified"), 1);
});
