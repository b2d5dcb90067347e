/** Which keys native help for members' messages is given: none it would judge otherwise. */
import { memberTables } from "../../modules/groups/member-tables.js";
import { equal, test } from "../harness.js";
import { DEFER, type GuildSpec } from "../support/guild.js";
import { guildOf, LAMP, lampIn, light, rightsIn, verdict } from "../support/lamps.js";
import { Room } from "../support/rig.js";

/** A lamp that has heard one member, and how many lines native help gets. */
function heard(more: Partial<GuildSpec> = {}) {
  const guild = guildOf("group-oscore", { policy: DEFER, ...more });
  const lamp = lampIn(new Room(), guild, { rights: rightsIn(guild) });
  equal(verdict(lamp, guild.craft(light(1))), "accepted");
  const { directory, keyring, schemes } = lamp.device.groups;
  const security = directory.security(5);
  if (schemes === undefined || security === undefined) throw new Error("no group");
  const { contexts } = schemes;
  const lines = () => memberTables(directory, contexts).lines.length;
  return { guild, keyring, directory, security, contexts, lines };
}

test("a group whose signatures may wait, with one key at one address, is given", () => {
  equal(heard().lines(), 1);
});

test("a group whose signatures are verified first is not", () => {
  equal(heard({ policy: [] }).lines(), 0);
});

test("a group with two keys is not", () => {
  const { guild, security, lines } = heard();
  const [association] = security.associations;
  // Neither of them ends.
  security.associations.push({ ...association, keyId: guild.keyId(2) });
  equal(lines(), 0);
});

test("a key that ends is not", () => {
  const { guild, keyring, security, lines } = heard();
  equal(keyring.install(security, guild.offer(LAMP, 2)).ok, true);
  // As the one before is in its grace.
  security.associations.pop();
  equal([security.associations[0].lifetime === undefined, lines()], [false, 0]);
});

test("a key whose id another key has, too, is not", () => {
  const { directory, security, lines } = heard();
  const [association] = security.associations;
  const other = { ...security, id: 6, associations: [] as (typeof association)[] };
  other.associations.push({ ...association, security: other });
  directory.addSecurity(other);
  equal(lines(), 0);
});

test("a group with two addresses is not: rights would be those of both", () => {
  equal(heard({ moreGroups: [300] }).lines(), 0);
});

test("our own id is not: a reflected message is the reference's", () => {
  const { contexts, lines } = heard();
  const [kept] = contexts.all();
  (contexts.all() as (typeof kept)[]).push({ ...kept, id: Uint8Array.of(LAMP) });
  equal(lines(), 1);
});

test("another key's member is not", () => {
  const { contexts, lines } = heard();
  const [kept] = contexts.all();
  const association = { ...kept.association };
  (contexts.all() as (typeof kept)[]).push({ ...kept, association });
  equal(lines(), 1);
});
