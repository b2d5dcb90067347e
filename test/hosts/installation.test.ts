import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatIpv6, parseIpv6, parsePrefix } from "../../hosts/installation/address.js";
import {
  formatInstallation,
  loadInstallation,
  saveInstallation,
} from "../../hosts/installation/file.js";
import { generate } from "../../hosts/installation/generate.js";
import { InstallationError, parseInstallation } from "../../hosts/installation/parse.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import { managed } from "../../hosts/room/managed.js";
import { authorityIn } from "../../modules/device/authority.js";
import { EXAMPLE } from "../support/room.js";

const example = readFileSync(EXAMPLE, "utf8");

/** The example after `change`, as text. */
// biome-ignore lint/suspicious/noExplicitAny: damaged files are the subject here
function changed(change: (file: any) => void): string {
  const file = JSON.parse(example);
  change(file);
  return JSON.stringify(file, undefined, 1);
}

/** What the parser says about `text`. */
function complaint(text: string): string {
  try {
    parseInstallation(text, "room.json");
  } catch (error) {
    assert.ok(error instanceof InstallationError, String(error));
    return error.message;
  }
  return assert.fail("the parser took it");
}

test("the example is read without a note", () => {
  const { installation, notes } = parseInstallation(example, "room.json");
  assert.deepEqual(notes, []);
  assert.equal(installation.devices.length, 8);
  const door = installation.devices.find((device) => device.name === "door");
  assert.deepEqual(door?.clientId, Uint8Array.of(0x2a));
  assert.equal(door?.short, 5);
  assert.deepEqual(
    installation.applicationGroups[1].address.slice(0, 2),
    Uint8Array.of(0xff, 0x15),
  );
  assert.equal(installation.securityGroups[1].graceSeconds, 60);
});

test("what is written is read back the same, in a file for its owner only", () => {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-installation-"));
  try {
    const path = join(folder, "room.json");
    writeFileSync(path, "{}", { mode: 0o644 });
    const { installation } = parseInstallation(example, "room.json");
    saveInstallation(path, installation);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(loadInstallation(path).installation, installation);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("tokens have to end where the file says so: it is kept, and devices are told", () => {
  const text = changed((file) => {
    file.tokens = "expiring";
  });
  const { installation } = parseInstallation(text, "room.json");
  const again = parseInstallation(formatInstallation(installation), "room.json").installation;
  assert.deepEqual([installation.tokens, again.tokens], ["expiring", "expiring"]);
  const authorityOf = (room: typeof installation) => {
    const { blobOf } = managed(room);
    const [device] = room.devices;
    return authorityIn(blobOf?.(provisioning(room, device), device) ?? new Uint8Array(0));
  };
  assert.equal(authorityOf(installation)?.isStrict, true);
  assert.equal(authorityOf(parseInstallation(example, "room.json").installation)?.isStrict, false);
  const wrong = complaint(changed((file) => void Object.assign(file, { tokens: "some" })));
  assert.match(wrong, /tokens: is "some"; give one of "any", "expiring"/);
});

test("text that is no JSON: line and column", () => {
  assert.equal(
    complaint('{\n  "lumicast": 1,\n  "name" "x"\n}'),
    'room.json:3: column 10: not JSON: expected ":" after "name"',
  );
  assert.match(complaint('{"name": "a", "name": "b"}'), /"name" is there twice in one object/);
  assert.match(complaint("[".repeat(100)), /nested deeper than 32 levels/);
  assert.match(complaint(`${example} x`), /something follows the end/);
  assert.match(complaint('{"name": "a'), /without its closing quote/);
});

test("a missing file: named, with the remedy", () => {
  assert.throws(
    () => loadInstallation("/nowhere/room.json"),
    /\/nowhere\/room\.json:1: cannot be read/,
  );
});

// biome-ignore lint/suspicious/noExplicitAny: damaged files are the subject here
const DAMAGES: readonly [string, (file: any) => void, RegExp][] = [
  [
    "unknown field",
    (f) => {
      f.devices[0].eui46 = "x";
    },
    /devices\[0\]\.eui46: unknown field; known here: name, eui64/,
  ],
  [
    "misspelt case",
    (f) => {
      f.securitygroups = [];
    },
    /securitygroups: unknown field; did you mean "securityGroups"\?/,
  ],
  [
    "newer format",
    (f) => {
      f.lumicast = 2;
    },
    /lumicast: is 2; give a whole number from 1 to 1/,
  ],
  [
    "missing name",
    (f) => {
      delete f.devices[2].name;
    },
    /devices\[2\]\.name: is missing; give text of 1 to 64 characters/,
  ],
  [
    "EUI-64 too short",
    (f) => {
      f.devices[1].eui64 = "02124b";
    },
    /devices\[1\]\.eui64: "02124b" has 6 hex digits; give 16 hex digits/,
  ],
  [
    "EUI-64 bad hex",
    (f) => {
      f.devices[1].eui64 = "02124b000000000g";
    },
    /devices\[1\]\.eui64: .* is not a whole number of hex bytes/,
  ],
  [
    "EUI-64 of a group",
    (f) => {
      f.devices[1].eui64 = "03124b0000000001";
    },
    /group address/,
  ],
  [
    "EUI-64 twice",
    (f) => {
      f.devices[1].eui64 = f.devices[0].eui64;
    },
    /devices\[1\]\.eui64: is the same as in devices\[0\]; give each its own/,
  ],
  [
    "name twice",
    (f) => {
      f.devices[1].name = "door";
    },
    /devices\[4\]\.name: is the same/,
  ],
  [
    "client id twice",
    (f) => {
      f.devices[0].clientId = "2A";
    },
    /devices\[4\]\.clientId: is the same/,
  ],
  [
    "client id with a leading zero",
    (f) => {
      f.devices[0].clientId = "00ff";
    },
    /devices\[0\]\.clientId: begins with 00; leave leading zeros out/,
  ],
  [
    "short address twice",
    (f) => {
      f.devices[0].short = 3;
    },
    /devices\[2\]\.short: is the same/,
  ],
  [
    "unknown role",
    (f) => {
      f.devices[0].role = "lamp";
    },
    /devices\[0\]\.role: is "lamp"; give one of "luminaire", "switch", "presence", "daylight"/,
  ],
  [
    "flat position",
    (f) => {
      f.devices[0].position = [1, 2];
    },
    /position: has 2 numbers; give three/,
  ],
  [
    "position in words",
    (f) => {
      f.devices[0].position = [1, "2", 3];
    },
    /position\[1\]: is "2"/,
  ],
  [
    "unknown group",
    (f) => {
      f.devices[0].groups = [9];
    },
    /devices\[0\]\.groups\[0\]: 9 is no application group of this file; give one of 1, 2/,
  ],
  [
    "group twice",
    (f) => {
      f.devices[0].groups = [1, 1];
    },
    /groups\[1\]: 1 is there twice/,
  ],
  [
    "switch without target",
    (f) => {
      delete f.devices[4].target;
    },
    /devices\[4\]\.target: is missing/,
  ],
  [
    "lamp with target",
    (f) => {
      f.devices[0].target = 1;
    },
    /a luminaire commands nobody/,
  ],
  [
    "unicast group address",
    (f) => {
      f.applicationGroups[0].address = "fd00::1";
    },
    /applicationGroups\[0\]\.address: "fd00::1" is a unicast address/,
  ],
  [
    "no address",
    (f) => {
      f.applicationGroups[0].address = "ff15::1%eth0";
    },
    /is not an IPv6 address/,
  ],
  [
    "port 0",
    (f) => {
      f.applicationGroups[0].port = 0;
    },
    /port: is 0; give .* from 1 to 65535/,
  ],
  [
    "group without keys",
    (f) => {
      f.applicationGroups[0].securityGroup = 7;
    },
    /applicationGroups\[0\]\.securityGroup: 7 is no security group of this file/,
  ],
  [
    "no keys at all",
    (f) => {
      f.securityGroups[0].keys = [];
    },
    /keys: is a list of 0; give a list/,
  ],
  [
    "other profile",
    (f) => {
      f.securityGroups[0].profile = "group-oscore-28";
    },
    /profile: is "group-oscore-28"; give one of "lowlatency", "oscoap-00"/,
  ],
  [
    "key id twice",
    (f) => {
      f.securityGroups[0].keys[1].keyId = 1;
    },
    /securityGroups\[0\]\.keys\[1\]\.keyId: is the same as in securityGroups\[0\]\.keys\[0\]/,
  ],
  [
    "key shared by groups",
    (f) => {
      f.securityGroups[1].keys[0].key = f.securityGroups[0].keys[0].key;
    },
    /securityGroups\[1\]\.keys\[0\]\.key: is the key of securityGroups\[0\]\.keys\[0\]\.key too/,
  ],
  [
    "zero key",
    (f) => {
      f.securityGroups[1].keys[0].key = "0".repeat(32);
    },
    /key: is all zeros/,
  ],
  [
    "right for nobody",
    (f) => {
      f.rights[0].client = "dor";
    },
    /rights\[0\]\.client: "dor" is no device of this file/,
  ],
  [
    "right without scope",
    (f) => {
      delete f.rights[0].groups;
    },
    /names neither groups nor devices/,
  ],
  [
    "level 6",
    (f) => {
      f.rights[0].level = 6;
    },
    /rights\[0\]\.level: is 6; give .* from 0 to 5/,
  ],
  [
    "right twice",
    (f) => {
      f.rights.push(f.rights[0]);
    },
    /door on 1 is already in rights\[0\]/,
  ],
  [
    "link to nowhere",
    (f) => {
      f.network.links[0].to = "x";
    },
    /links\[0\]\.to: "x" is no device/,
  ],
  [
    "loss in percent",
    (f) => {
      f.network.loss = 10;
    },
    /network\.loss: is 10; give a number from 0 to 1/,
  ],
  [
    "no topology",
    (f) => {
      delete f.network.rangeMetres;
      delete f.network.links;
    },
    /network\.rangeMetres: is missing, and so is links/,
  ],
  [
    "prefix of 48 bits",
    (f) => {
      f.network.prefix = "fd00::/48";
    },
    /not an IPv6 prefix of 64 bits/,
  ],
  [
    "lux upside down",
    (f) => {
      f.devices[7].settings.luxLow = 900;
    },
    /luxLow: 900 is above luxHigh 600/,
  ],
];

for (const [name, change, expected] of DAMAGES) {
  test(`refused: ${name}`, () => {
    const text = complaint(changed(change));
    assert.match(text, expected);
    assert.match(text, /^room\.json:\d+: /);
  });
}

test("all problems are reported at once, each with its line", () => {
  const text = complaint('{"lumicast": 1,\n"network": 3,\n"devices": [],\n"rights": [\n{}]}');
  const lines = text.split("\n");
  assert.ok(lines.some((line) => line.startsWith("room.json:2: network: is 3; give an object")));
  assert.ok(lines.some((line) => line.startsWith("room.json:5: rights[0].client: is missing")));
});

test("a rejected key is not repeated in the message", () => {
  const secret = "c95d2e6a03f84716b8ea4470d19f3c";
  const short = complaint(
    changed((f) => {
      f.securityGroups[0].keys[0].key = secret;
    }),
  );
  assert.match(short, /keys\[0\]\.key: the text has 30 hex digits; give 32 hex digits/);
  const odd = complaint(
    changed((f) => {
      f.securityGroups[0].keys[0].key = `${secret}zz`;
    }),
  );
  assert.ok(!short.includes(secret) && !odd.includes(secret));
});

test("notes: a level beyond 2, a switch without rights, keys shared across groups", () => {
  const text = changed((f) => {
    f.rights[0].level = 4;
    f.rights.splice(1, 1);
    f.applicationGroups[1].securityGroup = 1;
    f.devices.push({
      ...f.devices[7],
      name: "lamp",
      eui64: "0200000000000001",
      role: "luminaire",
      target: undefined,
      clientId: undefined,
      groups: [2],
    });
  });
  const { installation, notes } = parseInstallation(text, "room.json");
  assert.equal(installation.rights[0].level, 4);
  assert.match(notes[0], /rights\[0\]\.level: 4 is kept, but devices treat it as 2/);
  assert.match(notes[1], /window commands group 2 without a right of level 2/);
  assert.match(notes[2], /applicationGroups 1 and 2 share security group 1/);
});

test("generated installations pass the parser, without a note", () => {
  for (const hops of [1, 3]) {
    const made = generate({
      luminaires: 12,
      switches: 2,
      sensors: 1,
      hops,
      loss: 0.1,
      seed: 7,
      groups: 2,
    });
    const { installation, notes } = parseInstallation(formatInstallation(made), "made.json");
    assert.deepEqual(notes, []);
    assert.deepEqual(installation, made);
  }
});

test("generated keys: the same for one seed, random without", () => {
  const options = { luminaires: 2, switches: 1, sensors: 0, hops: 1, loss: 0 };
  const keyOf = (seed?: number) => {
    const made = generate(seed === undefined ? options : { ...options, seed });
    return made.securityGroups[0].keys;
  };
  assert.deepEqual(keyOf(7), keyOf(7));
  assert.notDeepEqual(keyOf(7), keyOf(8));
  assert.notDeepEqual(keyOf(), keyOf());
});

test("three hops: a layer hears its neighbours and nobody else", () => {
  for (const luminaires of [3, 12, 100]) {
    const made = generate({ luminaires, switches: 2, sensors: 1, hops: 3, loss: 0, seed: 1 });
    const range = made.network.rangeMetres ?? 0;
    const layer = (index: number) => (index < luminaires ? 1 + (index % 3) : 0);
    made.devices.forEach((one, i) => {
      made.devices.forEach((other, j) => {
        const [x, y, z] = [0, 1, 2].map((axis) => one.position[axis] - other.position[axis]);
        const near = Math.abs(layer(i) - layer(j)) <= 1;
        assert.equal(Math.hypot(x, y, z) <= range, near, `${one.name} and ${other.name}`);
      });
    });
    const routers = made.devices.filter((device) => device.router);
    assert.equal(routers.length, Math.min(9, luminaires));
  }
});

test("IPv6 addresses: both ways, as RFC 5952 §4 writes them", () => {
  const cases = [
    ["2001:db8::1", "20010db8000000000000000000000001"],
    ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"],
    ["2001:0:0:1::1", "20010000000000010000000000000001"],
    ["2001:db8::1:0:0:1", "20010db8000000000001000000000001"],
    ["::", "00000000000000000000000000000000"],
    ["ff15::4c:1", "ff1500000000000000000000004c0001"],
  ];
  for (const [text, hex] of cases) {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    assert.deepEqual(parseIpv6(text), bytes);
    assert.equal(formatIpv6(bytes), text);
  }
  assert.equal(parseIpv6("1.2.3.4"), undefined);
  assert.equal(parseIpv6("::ffff:1.2.3.4"), undefined);
  assert.equal(parsePrefix("fd00::1/64"), undefined);
  assert.deepEqual(parsePrefix("fd00:1:2:3::/64"), Uint8Array.of(0xfd, 0, 0, 1, 0, 2, 0, 3));
});
