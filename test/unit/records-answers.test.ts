/** Answers in records, which show only when they were opened that they are answers. */
import { Id64 } from "../../modules/bytes/id64.js";
import { CONTENT } from "../../modules/coap/options.js";
import { COMMANDERS } from "../../modules/groups/open.js";
import { equal, test } from "../harness.js";
import { memberEndpoint } from "../support/craft.js";
import type { GuildCraft } from "../support/guild.js";
import { guildOf, LAMP, rightsIn, SECOND_LAMP, SWITCH, verdict } from "../support/lamps.js";
import { Room } from "../support/rig.js";

const PROFILE = "dtls-record";
const MEMBERS = [SWITCH, LAMP, SECOND_LAMP];

/** A switch that asked its group for reports, and the answer that a lamp makes. */
function asking() {
  const room = new Room();
  const guild = guildOf(PROFILE, { members: MEMBERS });
  const more = { guilds: [guild], target: guild.appGroup, rights: rightsIn(guild) };
  const wall = room.switch(SWITCH, more);
  const { exchanges } = wall.device;
  let token = new Uint8Array(4);
  const open = exchanges.open.bind(exchanges);
  exchanges.open = (opening) => {
    const exchange = open(opening);
    if (exchange !== undefined) token = exchange.token.slice();
    return exchange;
  };
  const ask = () => equal(wall.device.command({ on: true, report: true }), true);
  const answer = (sequence: number, wish: Partial<GuildCraft> = {}) => {
    const to = memberEndpoint(SWITCH);
    const said = { from: LAMP, code: CONTENT, options: [], payload: Uint8Array.of(1) };
    return guild.craft({ ...said, sequence, token, to, ...wish });
  };
  return { room, wall, ask, answer, guild };
}

test("an answer that nobody asked for takes no row, and no number is used up by it", () => {
  const { wall, ask, answer, guild } = asking();
  const { recipients, directory } = wall.device.groups;
  const { index } = directory.security(guild.spec.id)?.associations[0] ?? { index: 0 };
  const row = () => recipients.find(index, new Id64().read(guild.idOf(LAMP), 0, 1));
  equal([verdict(wall, answer(7)), row()], ["unsolicited", -1]);
  ask();
  equal([verdict(wall, answer(7)), row() >= 0], ["accepted", true]);
  equal(verdict(wall, answer(7)), "replayed");
  const other = Uint8Array.of(9, 9, 9, 9);
  equal(verdict(wall, answer(8, { token: other })), "unsolicited", "to nothing");
  equal(verdict(wall, answer(8)), "unsolicited", "one answer each");
});

test("who only answers leaves rows for those who command", () => {
  const { wall, ask, answer, guild } = asking();
  ask();
  const { recipients, directory } = wall.device.groups;
  const { index } = directory.security(guild.spec.id)?.associations[0] ?? { index: 0 };
  for (let id = 100; recipients.hasRoom(COMMANDERS); id++) {
    const row = recipients.admit(index, {
      bytes: Uint8Array.of(id),
      start: 0,
      length: 1,
      sequence: 1,
    });
    equal(row >= 0, true);
  }
  equal(verdict(wall, answer(1)), "tableFull");
  const light = { from: LAMP, sequence: 2, options: [] };
  equal(verdict(wall, guild.craft({ ...light, to: memberEndpoint(SWITCH) })), "unsupported");
});
