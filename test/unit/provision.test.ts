import { encode } from "../../modules/cbor/encode.js";
import type { Cbor } from "../../modules/cbor/value.js";
import { parseProvisioning } from "../../modules/device/provision.js";
import { equal, test, throws } from "../harness.js";

const EUI64 = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 1);
const CLIENT = Uint8Array.of(0x2a);
const RAW = new Uint8Array(16).fill(7);
const ADDRESS = new Uint8Array(16).fill(0xff);

type Entries = readonly (readonly [Cbor, Cbor])[];

function map(...entries: Entries): Map<Cbor, Cbor> {
  return new Map(entries);
}

const KEY = map([0, Uint8Array.of(1)], [1, RAW], [2, 3600], [3, 9]);
const SECURITY = map([0, 5], [1, "lowlatency"], [2, [KEY]], [3, 60]);
const GROUP = map([0, 3], [1, 5], [2, ADDRESS], [3, 5683]);
const NETWORK = map([0, 0xabcd], [1, 4], [2, EUI64], [3, map([9, 8])], [4, true]);

const whole: Entries = [
  [0, 1],
  [1, EUI64],
  [2, 1],
  [3, CLIENT],
  [4, [SECURITY]],
  [5, [GROUP]],
  [
    6,
    [
      [CLIENT, 3, 2],
      [EUI64, null, 1],
    ],
  ],
  [7, 3],
  [8, map([0, 12], [5, 250])],
  [9, NETWORK],
];

/** The whole map, one entry of it changed; undefined takes it out. */
function changed(key: number, value: Cbor): Uint8Array {
  const extra = whole.some(([at]) => at === key) ? [] : [[key, value] as const];
  const entries = [...whole, ...extra].map(([at, was]) => [at, at === key ? value : was] as const);
  return encode(map(...entries.filter(([, now]) => now !== undefined)));
}

test("several groups in the place of the one it commands", () => {
  equal(parseProvisioning(changed(10, [3, 0x80000001])).targets, [3, 0x80000001]);
  equal(parseProvisioning(encode(map(...whole))).targets, undefined);
});

test("everything in it is read", () => {
  const part = parseProvisioning(encode(map(...whole)));
  equal(part.eui64, EUI64);
  equal([part.role, part.target], [1, 3]);
  equal(part.clientId, CLIENT);
  equal(
    [...part.securityGroups],
    [
      {
        id: 5,
        profile: "lowlatency",
        keys: [{ keyId: Uint8Array.of(1), raw: RAW, validitySeconds: 3600, messages: 9 }],
        graceSeconds: 60,
      },
    ],
  );
  equal([...part.appGroups], [{ id: 3, security: 5, address: ADDRESS, port: 5683 }]);
  equal(
    [...part.rights],
    [
      { client: CLIENT, appGroup: 3, level: 2 },
      { client: EUI64, appGroup: null, level: 1 },
    ],
  );
  equal(
    [...part.settings],
    [
      [0, 12],
      [5, 250],
    ],
  );
  equal(part.network?.pan, 0xabcd);
  equal(part.network?.short, 4);
  equal(part.network?.router, true);
  equal([...(part.network?.routes ?? [])], [[9, 8]]);
});

test("what may be left out is, and what nobody knows is passed over", () => {
  const least = whole.slice(0, 7);
  const part = parseProvisioning(encode(map(...least, [77, [map([1, "new"])]])));
  equal(part.target, undefined);
  equal(part.network, undefined);
  equal([...part.settings], []);
  const endless = map(...[...SECURITY].slice(0, 2), [2, [map([0, CLIENT], [1, RAW])]], [3, 0]);
  const [security] = parseProvisioning(changed(4, [endless])).securityGroups;
  equal(security.keys[0].validitySeconds, undefined);
  equal(security.keys[0].messages, undefined);
});

test("lists are read anew each time", () => {
  const { rights } = parseProvisioning(encode(map(...whole)));
  equal([...rights], [...rights]);
});

const faults: readonly [number, Cbor, RegExp][] = [
  [0, 2, /provisioning\.version: 2, this firmware reads 1$/],
  [1, CLIENT, /provisioning\.eui64: 8 bytes expected$/],
  [1, undefined, /provisioning\.eui64: 8 bytes expected$/],
  [2, 5, /provisioning\.role: an integer from 0 to 4 expected$/],
  [2, "lamp", /provisioning\.role: an integer/],
  [3, Uint8Array.of(0, 1), /provisioning\.clientId: no leading zero byte expected$/],
  [3, new Uint8Array(9).fill(1), /provisioning\.clientId: 1 to 8 bytes expected$/],
  [4, undefined, /provisioning\.securityGroups: an array expected$/],
  [4, [7], /provisioning\.securityGroups\[0\]: a map is missing$/],
  [4, [SECURITY, map([0, 6])], /provisioning\.securityGroups\[1\]\.profile: text expected$/],
  [
    4,
    [map([0, 5], [1, "lowlatency"], [2, [map([0, CLIENT], [1, CLIENT])]], [3, 60])],
    /provisioning\.securityGroups\[0\]\.keys\[0\]\.key: 16 bytes expected$/,
  ],
  [5, map(), /provisioning\.appGroups: an array expected$/],
  [5, [map([0, 3], [1, 5], [2, ADDRESS], [3, 65536])], /provisioning\.appGroups\[0\]\.port: an/],
  [
    6,
    [
      [CLIENT, 3, 2],
      [CLIENT, 3, 6],
    ],
    /provisioning\.rights\[1\]\.level: an integer .* 0 to 5/,
  ],
  [6, [[CLIENT, 3]], /provisioning\.rights\[0\]\.level: an integer/],
  [7, -1, /provisioning\.target: an integer/],
  [8, [1], /provisioning\.settings: a map of integers expected$/],
  [8, map([0, "x"]), /provisioning\.settings: a map of integers expected$/],
  [9, 1, /provisioning\.network: a map is missing$/],
  [10, [], /provisioning\.targets: a list of integers from 0 to 4294967295 expected$/],
  [10, [3, "x"], /provisioning\.targets: a list of integers/],
  [9, map([0, 0xffff]), /provisioning\.network\.pan: an integer from 0 to 65534 expected$/],
];

for (const [key, value, message] of faults) {
  test(`names the field: ${message.source}`, () => {
    throws(() => parseProvisioning(changed(key, value)), message);
  });
}

test("what is no map, is cut anywhere or goes on behind its end is refused", () => {
  const blob = encode(map(...whole));
  for (let size = 0; size < blob.length; size++) {
    throws(() => parseProvisioning(blob.slice(0, size)), /provisioning: not the CBOR map/);
  }
  const longer = new Uint8Array(blob.length + 1);
  longer.set(blob);
  throws(() => parseProvisioning(longer), /provisioning: not the CBOR map/);
  throws(() => parseProvisioning(Uint8Array.of(1)), /provisioning: a map is missing/);
});

test("of bytes that were taken before the long lists are passed over", () => {
  const { listsEnd, eui64, target, settings } = parseProvisioning(encode(map(...whole)));
  // As long as that one.
  const faulty = changed(6, [
    [CLIENT, 3, 6],
    [EUI64, null, 1],
  ]);
  throws(() => parseProvisioning(faulty), /rights\[0\]\.level/);
  const known = parseProvisioning(faulty, true, listsEnd);
  equal([known.eui64, known.target, known.network?.pan], [eui64, target, 0xabcd]);
  equal([...known.settings], [...settings]);
  throws(
    () => parseProvisioning(faulty, true, faulty.length + 1),
    /provisioning: not the CBOR map/,
  );
  throws(() => parseProvisioning(faulty, true, 3), /provisioning: not the CBOR map/);
});
