/**
 * draft-keoh-tls-multicast-security-00 §6 in devices: the same TGK, the next epoch, a new RAND and
 * new CS_IDs. The old sessions stay beside the new ones to receive, each with its own epoch, until
 * their grace is over.
 */
import { equal, test } from "../harness.js";
import { deviceAddress } from "../support/addresses.js";
import { OFF } from "../support/craft.js";
import { Guild } from "../support/guild.js";
import { LAMP, light, SWITCH, verdict } from "../support/lamps.js";
import { type Rig, Room } from "../support/rig.js";

const RENEWAL = 100;
const EPOCH_AT = 3;

function securityOf(rig: Rig, guild: Guild) {
  const security = rig.device.groups.directory.security(guild.spec.id);
  if (security === undefined) throw new Error("no group");
  return security;
}

/** What the controller tells a member over their own channel: the key, and the others' CS_IDs. */
function renew(rig: Rig, guild: Guild, others: readonly number[]): void {
  const { keyring, schemes } = rig.device.groups;
  const security = securityOf(rig, guild);
  for (const number of others) {
    const member = { id: Uint8Array.of(number + RENEWAL), credential: deviceAddress(number) };
    equal(schemes?.members.put(security, member).ok, true);
  }
  equal(keyring.install(security, guild.offer(rig.spec.number, 2)).ok, true);
}

for (const suite of [0xff01, 0xff02]) {
  test(`dtls-record: renewal by a new RAND and new CS_IDs, suite ${suite.toString(16)}`, () => {
    const room = new Room();
    const members = [SWITCH, LAMP];
    const guild = new Guild({ profile: "dtls-record", id: 5, members, suite, renewal: RENEWAL });
    const { appGroup: target } = guild;
    const rights = [SWITCH, SWITCH + RENEWAL].map((id) => [id, target, 2] as const);
    const more = { guilds: [guild], rights };
    const lamp = room.luminaire(LAMP, { ...more, settings: [[0, 0]] });
    const wall = room.switch(SWITCH, { ...more, target });
    const reports: Uint8Array[] = [];
    wall.device.onReports = (all) => void reports.push(...all.map(({ member }) => member));
    const say = (on: boolean) => {
      equal(wall.device.command({ on, report: true }), true);
      room.clock.advance(8_000_000);
    };
    say(false);
    equal([lamp.level, reports.length], [0, 1]);
    renew(lamp, guild, [SWITCH]);
    say(true);
    equal(lamp.level, 254, "who has not renewed yet is heard");
    renew(wall, guild, [LAMP]);
    const before = room.net.sent.length;
    say(false);
    equal([lamp.level, reports.at(-1)], [0, Uint8Array.of(LAMP + RENEWAL)]);
    const [command, report] = room.net.sent.slice(before);
    for (const { bytes } of [command, report]) {
      equal(
        bytes.slice(EPOCH_AT, EPOCH_AT + 8),
        Uint8Array.of(0, 2, 0, 0, 0, 0, 0, 0),
        "from 0 on",
      );
    }
    equal(verdict(lamp, { ...command, atMicros: 0 }), "replayed");
    equal(verdict(lamp, guild.craft(light(50, { payload: OFF }), 1)), "accepted", "in its grace");
    lamp.restart();
    wall.restart();
    say(true);
    equal(lamp.level, 254, "after a restart, too");
    room.clock.advance(70_000_000);
    equal(verdict(lamp, guild.craft(light(200), 1)), "oldEpoch", "and not after it");
  });
}

test("dtls-record: a session of one CS_ID and one RAND is no other's", () => {
  const room = new Room();
  const members = [SWITCH, LAMP];
  const guild = new Guild({ profile: "dtls-record", id: 5, members, renewal: RENEWAL });
  const more = { guilds: [guild], rights: [[SWITCH + RENEWAL, guild.appGroup, 2]] as const };
  const lamp = room.luminaire(LAMP, { ...more, epochs: [1, 2] });
  // The table has the switch's old CS_ID alone: its new session is nobody's.
  const wall = room.switch(SWITCH, { ...more, target: guild.appGroup, epochs: [1, 2] });
  equal(wall.device.command({ on: true }), true);
  room.clock.advance(100_000);
  equal(lamp.events.slice(-1), ["forged"]);
});
