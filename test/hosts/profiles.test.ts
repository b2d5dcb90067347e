/** Installation files of every profile: made up, read, refused, and cut into devices' parts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsSet } from "../../hosts/installation/claims-set.js";
import { formatInstallation } from "../../hosts/installation/file.js";
import { generate } from "../../hosts/installation/generate.js";
import { meshAddress, publicKeyOf } from "../../hosts/installation/members.js";
import { InstallationError, parseInstallation } from "../../hosts/installation/parse.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import type { Installation, Profile } from "../../hosts/installation/types.js";
import { PROFILES } from "../../hosts/installation/types.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { decode } from "../../modules/cbor/decode.js";
import { type Provisioning, parseProvisioning } from "../../modules/device/provision.js";

const ROOM = { luminaires: 3, switches: 2, sensors: 1, hops: 1, loss: 0, seed: 7 } as const;
const SIGNED = ["oscoap-00", "multicast-oscore-04", "group-oscore-02", "group-oscore"] as const;

/** A made-up room as text, after `change`. */
// biome-ignore lint/suspicious/noExplicitAny: damaged files are the subject here
function changed(profile: Profile, change: (file: any) => void): string {
  const file = JSON.parse(formatInstallation(generate({ ...ROOM, profile })));
  change(file);
  return JSON.stringify(file, undefined, 1);
}

// biome-ignore lint/suspicious/noExplicitAny: damaged files are the subject here
function complaint(profile: Profile, change: (file: any) => void): string {
  try {
    parseInstallation(changed(profile, change), "room.json");
  } catch (error) {
    assert.ok(error instanceof InstallationError, String(error));
    return error.message;
  }
  return assert.fail("the parser took it");
}

function partOf(room: Installation, name: string): Provisioning {
  const device = room.devices.find((one) => one.name === name);
  assert.ok(device !== undefined);
  return parseProvisioning(provisioning(room, device));
}

/** The secret of the first key of the first group, as the scheme's module gets it. */
function materialOf(part: Provisioning): Map<unknown, unknown> {
  const [{ keys }] = [...part.securityGroups];
  const decoded = decode(keys[0].raw);
  assert.ok(decoded.ok && decoded.value instanceof Map);
  return decoded.value;
}

for (const profile of PROFILES) {
  test(`${profile}: a made-up room passes the parser, and comes back the same`, () => {
    const made = generate({ ...ROOM, profile });
    const { installation, notes } = parseInstallation(formatInstallation(made), "made.json");
    assert.deepEqual(notes, []);
    assert.deepEqual(installation, made);
    assert.ok(installation.securityGroups.every((group) => group.profile === profile));
  });
}

test("RFC 8032 §7.1, test 1: the public key of a seed", () => {
  const seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
  const key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  assert.equal(toHex(publicKeyOf(fromHex(seed))), key);
  // WIRE.md: CCS {8: {1: {1: 1, 3: -8, -1: 6, -2: x}}}
  assert.equal(toHex(claimsSet(fromHex(key))), `a108a101a401010327200621${"5820"}${key}`);
});

for (const profile of SIGNED) {
  test(`${profile}: a device has its own seed and the public keys of those who command`, () => {
    const room = generate({ ...ROOM, profile });
    const [switch1, switch2, sensor] = room.devices.slice(3);
    const part = partOf(room, "lamp-1");
    const [{ membership }] = [...part.securityGroups];
    const [lamp] = room.devices;
    assert.ok(membership !== undefined);
    assert.deepEqual(membership.id, lamp.clientId);
    assert.deepEqual(membership.seed, lamp.signingSeed);
    const credential = (seed: Uint8Array | undefined) => {
      assert.ok(seed !== undefined);
      return profile === "group-oscore" ? claimsSet(publicKeyOf(seed)) : publicKeyOf(seed);
    };
    assert.deepEqual(membership.credential, credential(lamp.signingSeed));
    assert.deepEqual(
      membership.members,
      [switch1, switch2, sensor].map(({ clientId, signingSeed }) => {
        return { id: clientId, credential: credential(signingSeed) };
      }),
    );
    const blob = toHex(provisioning(room, lamp));
    for (const { signingSeed } of room.devices.slice(1)) {
      assert.ok(!blob.includes(toHex(signingSeed ?? assert.fail())), "another's seed");
    }
  });
}

test("a client that asks for reports knows everybody", () => {
  const made = generate({ ...ROOM, profile: "group-oscore" });
  const room = { ...made, settings: { ...made.settings, reports: 1 } };
  const known = (name: string) => {
    const [{ membership }] = [...partOf(room, name).securityGroups];
    return membership?.members.length;
  };
  assert.deepEqual([known("switch-1"), known("lamp-1")], [5, 3]);
});

test("where servers challenge, who commands knows everybody who may", () => {
  const made = generate({ ...ROOM, profile: "group-oscore-02" });
  const securityGroups = made.securityGroups.map((group) => {
    return { ...group, policies: { synchronisation: "challenge" } } as typeof group;
  });
  const [{ membership }] = [...partOf({ ...made, securityGroups }, "sensor-1").securityGroups];
  assert.equal(membership?.members.length, 5);
});

test("secrets reach the device in its scheme's own CBOR", () => {
  const material = (profile: Profile) =>
    materialOf(partOf(generate({ ...ROOM, profile }), "lamp-1"));
  const sizes = (profile: Profile) => {
    return [...material(profile)].map(([label, value]) => {
      return [label, value instanceof Uint8Array ? value.length : value];
    });
  };
  assert.deepEqual(sizes("oscoap-00"), [[1, 32]]);
  assert.deepEqual(sizes("multicast-oscore-04"), [[1, 16]]);
  assert.deepEqual(sizes("group-oscore-02"), [
    [1, 16],
    [2, 8],
  ]);
  assert.deepEqual(sizes("dtls-record"), [
    [1, 16],
    [2, 16],
    [3, 0xff01],
  ]);
  assert.deepEqual(sizes("group-oscore"), [
    [1, 16],
    [2, 8],
    [3, 10],
    [4, 30],
    [5, -8],
    [6, -27],
    [7, 46],
  ]);
  assert.deepEqual(sizes("oscore"), [
    [1, 16],
    [2, 8],
    [4, 1],
  ]);
});

test("dtls-record: sessions of those who command, bound to their addresses on the mesh", () => {
  const room = generate({ ...ROOM, profile: "dtls-record" });
  const [{ keys, membership }] = [...partOf(room, "lamp-2").securityGroups];
  assert.deepEqual(keys[0].keyId, Uint8Array.of(0, 1));
  assert.deepEqual(membership?.id, Uint8Array.of(5));
  assert.equal(membership?.seed.length, 0);
  const sessions = membership?.members.map(({ id, credential }) => [toHex(id), toHex(credential)]);
  assert.deepEqual(sessions, [
    ["01", "fd6c756d69630001000000fffe000004"],
    ["02", "fd6c756d69630001000000fffe000005"],
    ["03", "fd6c756d69630001000000fffe000006"],
  ]);
  const wide = generate({ ...ROOM, luminaires: 300, profile: "dtls-record" });
  const [last] = [...partOf(wide, "lamp-300").securityGroups];
  // No CS_ID is left for it: it only listens.
  assert.deepEqual(last.membership?.id, new Uint8Array(0));
});

test("oscore: a context with each, rights on the device itself, a group of one for each", () => {
  const room = generate({ ...ROOM, profile: "oscore" });
  const lamp = partOf(room, "lamp-3");
  assert.equal([...lamp.securityGroups].length, 3);
  assert.deepEqual(lamp.targets, undefined);
  const rights = [...lamp.rights].map(({ client, appGroup, level }) => {
    return [toHex(client), appGroup, level];
  });
  assert.deepEqual(rights, [
    ["01", null, 2],
    ["02", null, 2],
    ["03", null, 2],
  ]);
  const wall = partOf(room, "switch-2");
  const groups = [...wall.appGroups];
  assert.deepEqual(
    wall.targets,
    groups.map(({ id }) => id),
  );
  assert.equal(wall.target, groups[0].id);
  assert.deepEqual(
    groups.map(({ address }) => toHex(address).slice(-4)),
    ["0001", "0002", "0003", "0004", "0006"],
  );
  const [{ keys, membership }] = [...wall.securityGroups];
  assert.deepEqual([keys[0].keyId.length, membership?.id], [0, Uint8Array.of(2)]);
});

// biome-ignore lint/suspicious/noExplicitAny: damaged files are the subject here
const DAMAGES: readonly [string, Profile, (file: any) => void, RegExp][] = [
  [
    "a word of another profile",
    "multicast-oscore-04",
    (f) => {
      f.securityGroups[0].keys[0].masterSalt = "00";
    },
    /keys\[0\]\.masterSalt: unknown field; known here: gid, masterSecret, validityHours/,
  ],
  [
    "no Gid",
    "group-oscore",
    (f) => {
      delete f.securityGroups[0].keys[0].gid;
    },
    /room\.json:\d+: securityGroups\[0\]\.keys\[0\]\.gid: is missing; give 6 to 32 hex digits/,
  ],
  [
    "a short Master Secret, which is not repeated",
    "group-oscore-02",
    (f) => {
      f.securityGroups[0].keys[0].masterSecret = "c0ffee";
    },
    /masterSecret: the text has 6 hex digits; give 32 to 128 hex digits/,
  ],
  [
    "an algorithm there is not",
    "group-oscore",
    (f) => {
      f.securityGroups[0].keys[0].groupEncryption = 12;
    },
    /groupEncryption: is 12; give one of 30, 10/,
  ],
  [
    "a suite there is not",
    "dtls-record",
    (f) => {
      f.securityGroups[0].keys[0].suite = "gcm";
    },
    /suite: is "gcm"; give one of "ccm", "null"/,
  ],
  [
    "no credential of the Group Manager",
    "group-oscore",
    (f) => {
      f.securityGroups[0].keys[0].managerCredential = "00".repeat(40);
    },
    /managerCredential: is no CWT Claims Set; give the Group Manager's/,
  ],
  [
    "a policy that lets unverified commands pass, without saying so",
    "group-oscore",
    (f) => {
      f.securityGroups[0].policies = { signatures: "defer" };
    },
    /policies\.signatures: "defer" lets any member pose .*; say "acceptUnverified": true beside/,
  ],
  [
    "a signature policy where nobody signs",
    "oscore",
    (f) => {
      f.securityGroups[0].policies = { signatures: "always" };
    },
    /policies\.signatures: unknown field; known here: synchronisation, gapMax/,
  ],
  [
    "a challenge that the draft does not have",
    "oscoap-00",
    (f) => {
      f.securityGroups[0].policies = { synchronisation: "challenge" };
    },
    /synchronisation: oscoap-00 has no challenge; say "best-effort" or "baseline"/,
  ],
  [
    "a sender without a key to sign with",
    "group-oscore-02",
    (f) => {
      delete f.devices[3].signingSeed;
    },
    /devices\[3\]\.signingSeed: is missing, and it sends to security group 1 .*rand -hex 32/,
  ],
  [
    "one signing key for two",
    "group-oscore",
    (f) => {
      f.devices[1].signingSeed = f.devices[0].signingSeed;
    },
    /devices\[1\]\.signingSeed: is that of devices\[0\] too; draw another/,
  ],
  [
    "an id that no nonce has room for",
    "multicast-oscore-04",
    (f) => {
      f.devices[3].clientId = "024c554d02000001";
    },
    /devices\[3\]\.clientId: has 8 bytes, too many in security group 1 .*at most 7/,
  ],
  [
    "a CS_ID of two bytes",
    "dtls-record",
    (f) => {
      f.devices[3].clientId = "0101";
    },
    /devices\[3\]\.clientId: has 2 bytes, too many in security group 1 \(dtls-record\)/,
  ],
  [
    "keys for one address, used for two",
    "dtls-record",
    (f) => {
      f.applicationGroups.push({ id: 2, securityGroup: 1, address: "ff15::2" });
    },
    /securityGroups\[0\]: has 2 addresses, and keys of dtls-record are for one/,
  ],
  [
    "an epoch with the RAND of another",
    "dtls-record",
    (f) => {
      const [key] = f.securityGroups[0].keys;
      f.securityGroups[0].keys.push({ ...key, epoch: 2 });
    },
    /keys\[1\]\.rand: is that of securityGroups\[0\]\.keys\[0\]; a new epoch needs a new one/,
  ],
  [
    "Gids of two lengths",
    "group-oscore",
    (f) => {
      const [key] = f.securityGroups[0].keys;
      f.securityGroups[0].keys.push({ ...key, gid: "b10001", masterSecret: "5a".repeat(16) });
    },
    /keys\[1\]\.gid: has 3 bytes; give it the 10 bytes/,
  ],
  [
    "one Master Secret under two Gids",
    "group-oscore",
    (f) => {
      const [key] = f.securityGroups[0].keys;
      f.securityGroups[0].keys.push({ ...key, gid: "5a".repeat(10) });
    },
    /keys\[1\]\.masterSecret: is the key of securityGroups\[0\]\.keys\[0\]\.masterSecret too/,
  ],
  [
    "a pair of one",
    "oscore",
    (f) => {
      f.securityGroups[0].pair = ["lamp-1", "lamp-1"];
    },
    /securityGroups\[0\]\.pair: is no pair; give two devices/,
  ],
  [
    "two contexts of one pair",
    "oscore",
    (f) => {
      f.securityGroups[1].pair = [...f.securityGroups[0].pair].reverse();
    },
    /securityGroups\[1\]\.pair: is that of security group 1; keep one/,
  ],
  [
    "a lamp without a context to be commanded under",
    "oscore",
    (f) => {
      f.securityGroups.splice(0, 1);
    },
    /devices\[3\]\.target: commands lamp-1 without an oscore context with each; add a security/,
  ],
  [
    "an oscore context for a whole group",
    "oscore",
    (f) => {
      f.applicationGroups = [{ id: 9, securityGroup: 1, address: "ff15::9" }];
    },
    /applicationGroups\[0\]\.securityGroup: is an oscore context; oscore is between two/,
  ],
  [
    "a repository that is no device",
    "group-oscore",
    (f) => {
      addRepository(f, { device: "desk" });
    },
    /securityGroups\[0\]\.repository\.device: "desk" is no device of this file; give one of lamp-1/,
  ],
  [
    "a repository that a member has no context with",
    "group-oscore-02",
    (f) => {
      addRepository(f);
      f.securityGroups.splice(1, 1);
    },
    /\[0\]\.repository: has no oscore context with lamp-1; .* "pair": \["lamp-1", "switch-2"\]/,
  ],
  [
    "a path with an empty segment",
    "oscoap-00",
    (f) => {
      addRepository(f, { path: "/creds" });
    },
    /repository\.path: "\/creds" has an empty segment; give segments with one slash between/,
  ],
  [
    "a repository where no key is a member's own",
    "dtls-record",
    (f) => {
      addRepository(f);
    },
    /securityGroups\[0\]\.repository: unknown field; known here: id, profile/,
  ],
];

/** switch-2 keeps the public keys, and has a context with everybody else. */
// biome-ignore lint/suspicious/noExplicitAny: damaged files are the subject here
function addRepository(f: any, more: object = {}): void {
  const device = "switch-2";
  f.securityGroups[0].repository = { device, path: "ace-group/hall/creds", ...more };
  const names = f.devices.map(({ name }: { name: string }) => name);
  names.forEach((name: string, index: number) => {
    if (name === device) return;
    const keys = [{ masterSecret: `0${index + 1}`.repeat(16) }];
    f.securityGroups.push({ id: 10 + index, profile: "oscore", pair: [name, device], keys });
  });
}

test("a repository of public keys: every member is told where, and under which context", () => {
  const text = changed("group-oscore", (f) => addRepository(f, { port: 61616 }));
  const { installation } = parseInstallation(text, "room.json");
  const again = parseInstallation(formatInstallation(installation), "room.json");
  assert.deepEqual(again.installation, installation);
  const told = (name: string) => {
    const part = partOf(installation, name);
    const [{ policy }] = [...part.securityGroups];
    const channel = [...part.appGroups].find(({ security }) => {
      return security === policy?.repository?.security;
    });
    return { ...policy?.repository, channel: channel?.address };
  };
  const desk = installation.devices.find(({ name }) => name === "switch-2") ?? assert.fail();
  const address = meshAddress(installation, desk);
  const place = { address, port: 61616, path: "ace-group/hall/creds", channel: address };
  assert.deepEqual(told("lamp-1"), { ...place, security: 10 });
  assert.deepEqual(told("switch-1"), { ...place, security: 13 });
  assert.deepEqual(told("switch-2"), { channel: undefined }, "who is it asks nobody");
});

for (const [what, profile, change, expected] of DAMAGES) {
  test(`${what}: told with the remedy`, () => assert.match(complaint(profile, change), expected));
}

test("an accepted policy is kept, passed on, and noted", () => {
  const policies = { signatures: "changes", acceptUnverified: true, synchronisation: "challenge" };
  const text = changed("group-oscore", (f) => {
    f.securityGroups[0].policies = { ...policies, gapMax: 100 };
  });
  const { installation, notes } = parseInstallation(text, "room.json");
  assert.match(notes.join(), /policies: commands are obeyed before their signature is verified/);
  const [group] = [...partOf(installation, "lamp-1").securityGroups];
  const { signatures, synchronisation, gapMax, listeners } = group.policy ?? assert.fail();
  assert.deepEqual([signatures, synchronisation, gapMax], ["changes", "challenge", 100]);
  assert.equal(listeners, ROOM.luminaires, "all that obey, though it knows only who commands");
  const again = parseInstallation(formatInstallation(installation), "room.json");
  assert.deepEqual(again.installation, installation);
});

test("secrets are never repeated in a complaint", () => {
  const secret = "deadbeef".repeat(3);
  for (const text of [
    complaint("group-oscore", (f) => {
      f.securityGroups[0].keys[0].masterSecret = secret;
    }),
    complaint("group-oscore", (f) => {
      f.devices[0].signingSeed = secret;
    }),
  ]) {
    assert.ok(!text.includes("deadbeef") || !text.includes(secret), text);
  }
});
