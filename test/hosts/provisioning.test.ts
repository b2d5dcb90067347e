import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generate } from "../../hosts/installation/generate.js";
import { parseInstallation } from "../../hosts/installation/parse.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import { radioLinks } from "../../hosts/installation/topology.js";
import type { Installation } from "../../hosts/installation/types.js";
import { type Provisioning, parseProvisioning } from "../../modules/device/provision.js";
import { Settings } from "../../modules/lighting/settings.js";
import { EXAMPLE } from "../support/room.js";

const { installation: example } = parseInstallation(readFileSync(EXAMPLE, "utf8"), EXAMPLE);

function partOf(room: Installation, name: string): Provisioning {
  const device = room.devices.find((one) => one.name === name);
  assert.ok(device !== undefined);
  return parseProvisioning(provisioning(room, device));
}

const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

test("a lamp in two groups: both keys of the one, the key of the other, and whom it obeys", () => {
  const part = partOf(example, "window-left");
  assert.deepEqual(part.eui64, hex("024c554d01000003"));
  assert.deepEqual([part.role, part.target], [1, undefined]);
  assert.deepEqual(part.clientId, hex("024c554d01000003"));
  const keys = [...part.securityGroups].map(({ id, keys }) => [id, keys.map(({ keyId }) => keyId)]);
  assert.deepEqual(keys, [
    [1, [hex("01"), hex("02")]],
    [2, [hex("01")]],
  ]);
  assert.deepEqual(
    [...part.securityGroups][0].keys[1].raw,
    hex("c95d2e6a03f84716b8ea4470d19f3c85"),
  );
  assert.equal([...part.securityGroups][0].keys[1].validitySeconds, 8760 * 3600);
  assert.equal([...part.securityGroups][0].keys[1].messages, 1_000_000);
  assert.deepEqual([...part.appGroups][0], {
    id: 1,
    security: 1,
    address: hex("ff1500000000000000000000004c0001"),
    port: 5683,
  });
  const rights = [...part.rights].map(({ client, appGroup, level }) => [client, appGroup, level]);
  assert.deepEqual(rights, [
    [hex("2a"), 1, 2],
    [hex("024c554d02000002"), 2, 2],
    [hex("024c554d03000001"), 1, 2],
    [hex("024c554d04000001"), 2, 2],
  ]);
  assert.deepEqual(
    [...part.settings],
    [
      [0, 5],
      [5, 500],
    ],
  );
  assert.deepEqual(part.network, {
    pan: 19541,
    short: 3,
    prefix: hex("fd6c756d69630001"),
    routes: new Map(),
    router: true,
  });
});

test("nobody gets the keys of a group it does not belong to", () => {
  const part = partOf(example, "wall-left");
  assert.deepEqual(
    [...part.securityGroups].map(({ id }) => id),
    [1],
  );
  assert.deepEqual(
    [...part.appGroups].map(({ id }) => id),
    [1],
  );
  assert.ok([...part.rights].every(({ appGroup }) => appGroup === 1));
});

test("a switch: its target, its client id, the group it follows", () => {
  const part = partOf(example, "door");
  assert.deepEqual([part.role, part.target], [2, 1]);
  assert.deepEqual(part.clientId, hex("2a"));
  assert.deepEqual(
    [...part.appGroups].map(({ id }) => id),
    [1],
  );
  assert.equal(part.network?.router, false);
});

test("a right on a device itself, and every setting in the firmware's numbers", () => {
  const [first, ...others] = example.devices;
  const settings = {
    fadeSeconds: 1.2,
    powerOn: "last",
    holdSeconds: 60,
    luxLow: 100,
    luxHigh: 200,
    leisureMs: 250,
    levelMin: 10,
    levelMax: 200,
    sensorLevel: 100,
    pressScene: 3,
    reports: 1,
  } as const;
  const right = { client: "door", groups: [], devices: [first.name], level: 4 };
  const room: Installation = {
    ...example,
    devices: [{ ...first, settings }, ...others],
    rights: [...example.rights, right],
  };
  const part = partOf(room, first.name);
  const own = [...part.rights].filter(({ appGroup }) => appGroup === null);
  assert.deepEqual(own, [{ client: hex("2a"), appGroup: null, level: 4 }]);
  const expected = [12, 2, 60, 100, 200, 250, 10, 200, 100, 3, 1];
  assert.deepEqual([...part.settings.values()], expected);
  const records = { get: () => undefined, put: () => true, delete: () => true };
  const read = new Settings({
    records,
    budget: { take: () => true },
    initial: part.settings,
  } as unknown as ConstructorParameters<typeof Settings>[0]);
  assert.deepEqual(
    expected.map((_, id) => read.get(id)),
    expected,
  );
});

test("three hops: routes lead through the next layer's routers, neighbours need none", () => {
  const room = generate({ luminaires: 12, switches: 1, sensors: 0, hops: 3, loss: 0, seed: 7 });
  const layers = room.devices.map((_, index) => (index < 12 ? 1 + (index % 3) : 0));
  const { routes } = partOf(room, "switch-1").network ?? assert.fail();
  assert.equal(routes.size, 8);
  for (const [to, via] of routes) {
    assert.ok(layers[to - 1] >= 2);
    assert.equal(layers[via - 1], 1);
    assert.equal(room.devices[via - 1].router, true);
  }
});

test("links: the listed loss in place of the network's, 1 is no link", () => {
  const lossy: Installation = {
    ...example,
    network: {
      ...example.network,
      loss: 0.1,
      links: [
        { from: "door", to: "wall-left", loss: 0.5 },
        { from: "wall-left", to: "door", loss: 1 },
      ],
    },
  };
  const links = radioLinks(lossy);
  const loss = (from: number, to: number) => {
    return links.find((link) => link.from === from && link.to === to)?.lossPercent;
  };
  assert.deepEqual([loss(4, 0), loss(0, 4), loss(4, 1)], [50, undefined, 10]);
});

test("more groups than a device has room for is told before anything starts", () => {
  const made = generate({
    luminaires: 1,
    switches: 0,
    sensors: 0,
    hops: 1,
    loss: 0,
    seed: 1,
    groups: 11,
  });
  const text = JSON.stringify({
    lumicast: 1,
    network: { pan: 1, prefix: "fd00::/64", rangeMetres: 5 },
    securityGroups: made.securityGroups.map(({ id }) => {
      const key = id.toString(16).padStart(32, "0");
      return { id, profile: "lowlatency", keys: [{ keyId: 1, key }] };
    }),
    applicationGroups: made.applicationGroups.map(({ id }) => {
      return { id, securityGroup: id, address: `ff15::${id}` };
    }),
    devices: [
      {
        name: "lamp",
        eui64: "0200000000000001",
        role: "luminaire",
        position: [0, 0, 0],
        groups: made.applicationGroups.map(({ id }) => id),
      },
    ],
    rights: [],
  });
  assert.throws(
    () => parseInstallation(text, "room.json"),
    /devices\[0\]: lamp would hold 11 security groups; a device has room for 10/,
  );
});
