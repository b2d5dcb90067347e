/** The file that makes a computer a sender, as the device that reads what follows from it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { publicKeyOf } from "../../hosts/installation/members.js";
import { provisioningOf, readSender, type SenderFile } from "../../hosts/sender/file.js";
import { checkId } from "../../hosts/sender/member.js";
import { GROUP_PROFILES } from "../../modules/authority/material.js";
import { toHex } from "../../modules/bytes/hex.js";
import { parseProvisioning, ROLE } from "../../modules/device/provision.js";
import { Desk } from "../support/lumicast.js";

const desk = new Desk();
const state = ["--state", desk.path("hall"), "--at", "[fd00::1]:5684"];
after(() => desk.remove());

async function made(): Promise<SenderFile> {
  await desk.json("authority", "init", "--domain", "hall", ...state.slice(0, 2));
  for (const [at, profile] of GROUP_PROFILES.entries()) {
    const where = ["--address", `ff35::${at + 1}`, "--profile", profile];
    await desk.json("group", "create", profile, ...where, ...state.slice(0, 2));
  }
  const path = desk.path("laptop.json");
  await desk.json("sender", "laptop", path, ...state);
  return readSender(path);
}

function membershipsOf(file: SenderFile) {
  const { groups } = file;
  const { securityGroups } = parseProvisioning(provisioningOf(file, { role: ROLE.SWITCH, groups }));
  return [...securityGroups].map(({ profile, keys, membership }) => ({
    profile,
    keys,
    membership,
  }));
}

test("a sender is a member as its scheme has it: an id, and a key where members sign", async () => {
  const file = await made();
  const all = membershipsOf(file);
  assert.deepEqual(
    all.map(({ profile }) => profile),
    GROUP_PROFILES,
  );
  const seeds = new Set<string>();
  for (const { profile, keys, membership } of all) {
    assert.deepEqual(keys, []);
    if (profile === "lowlatency") {
      assert.equal(membership, undefined);
      continue;
    }
    assert.ok(membership);
    const { id, credential, seed, members } = membership;
    assert.equal(toHex(id), file.clientId);
    assert.deepEqual(members, []);
    if (profile === "dtls-record") {
      assert.equal(seed.length + credential.length, 0);
      continue;
    }
    seeds.add(toHex(seed));
    assert.ok(toHex(credential).includes(toHex(publicKeyOf(seed))), profile);
    assert.ok(!toHex(seed).includes(file.psk));
  }
  assert.equal(seeds.size, 1);
  assert.deepEqual(membershipsOf(file), all, "the same member at every start");
  for (const other of [{ eui64: "02000000000000ff" }, { psk: "ff".repeat(16) }]) {
    const [seed] = membershipsOf({ ...file, ...other }).flatMap(({ membership }) => {
      return membership !== undefined && membership.seed.length > 0 ? [membership.seed] : [];
    });
    assert.ok(!seeds.has(toHex(seed)), "nobody else is it");
  }
  const [record] = file.groups.filter(({ profile }) => profile === "dtls-record");
  checkId(file, record);
  assert.throws(() => checkId({ ...file, clientId: "0101" }, record), /room for an id of 8 bits/);
});
