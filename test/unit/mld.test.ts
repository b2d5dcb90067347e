/**
 * MLDv2 on the mesh: who listens says so, the border asks, and whoever is not heard of any more is
 * forgotten. Messages are laid out by hand from RFC 3810 §5.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { BorderStack } from "../../modules/lowpan/border.js";
import { meshStack } from "../../modules/lowpan/listener.js";
import { Listeners } from "../../modules/lowpan/listeners.js";
import * as mld from "../../modules/lowpan/mld.js";
import type { LowpanStack } from "../../modules/lowpan/stack.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { Mesh, type MeshNode } from "../support/mesh.js";

const GROUP = fromHex("ff150000000000000000000000000001");
const OTHER = fromHex("ff350040fd0000000000000011223344");
const OUTSIDE = "20010db8000000000000000000000005";
const BORDER = 0x00bb;
const LAMP = 0x000a;

interface World {
  readonly mesh: Mesh;
  readonly border: MeshNode<BorderStack>;
  readonly changes: string[];
}

function world(querySeconds = 125): World {
  const mesh = new Mesh();
  const changes: string[] = [];
  const border = mesh.special(BORDER, (base) => {
    return new BorderStack({
      ...base,
      querySeconds,
      onOutward: () => {},
      onListeners: (group, on) => changes.push(`${on ? "+" : "-"}${toHex(group)}`),
    });
  });
  return { mesh, border, changes };
}

function listening(mesh: Mesh, short: number, via = BORDER, router = false): MeshNode<LowpanStack> {
  const routes = new Map([[0xffff, BORDER]]);
  if (via !== BORDER) routes.set(BORDER, via);
  return mesh.special(short, (base) => meshStack({ ...base, routes, router }));
}

/** Frames whose ICMPv6 message is of `type`, sent by `node`. */
function sent(mesh: Mesh, node: MeshNode<LowpanStack>, type: number): Uint8Array[] {
  return mesh.ether.frames
    .filter(({ from, frame }) => from === node.radio && frame[19] === type)
    .map(({ frame }) => frame);
}

// ---- what stands in a frame

test("a report, byte for byte: joined once, said twice", () => {
  const { mesh } = world();
  const lamp = listening(mesh, LAMP);
  lamp.stack.join(GROUP);
  lamp.stack.join(GROUP);
  mesh.run(2000);
  const reports = sent(mesh, lamp, mld.REPORT).map(toHex);
  equal(reports.length, 2);
  // To the border by link unicast, acknowledged; fe80:: elided, ff02::16, hop limit 1.
  equal(reports[0].slice(0, 4), "6188");
  equal(reports[0].slice(6, 24), "cdabbb000a007d3b16");
  // Hop-by-hop, then ICMPv6: a Router Alert of value 0.
  equal(reports[0].slice(24, 38), "e03a0405020000");
  // Type 143, one record: CHANGE_TO_EXCLUDE_MODE, no source.
  equal(reports[0].slice(38, 42), "8f00");
  equal(reports[0].slice(46), `0000000104000000${toHex(GROUP)}`);
  // fe80::ff:fe00:a + ff02::16 + 28 + 58 + the words of the message: ffff - their sum.
  equal(reports[0].slice(42, 46), "70ed");
});

test("a query, byte for byte", () => {
  const { mesh, border } = world();
  border.stack.listeners.start();
  mesh.run(10);
  const [query] = sent(mesh, border, mld.QUERY).map(toHex);
  equal(query.slice(0, 4), "4188");
  equal(query.slice(6, 38), "cdabffffbb007d3b01e03a0405020000");
  // 2000 ms; no group; robustness 2, 125 s, no source.
  equal(query.slice(38, 42), "8200");
  equal(query.slice(46), `07d00000${"00".repeat(16)}027d0000`);
});

test("queries are read: MLDv1's are not, floating-point times are", () => {
  const rest = `${"00".repeat(16)}027d0000`;
  equal(mld.readQuery(fromHex(`8200000007d00000${rest}`)), {
    group: undefined,
    responseMicros: 2_000_000,
  });
  // RFC 3810 §5.1.3: exponent 1, mantissa 0x234: (0x1234) << 4 milliseconds.
  equal(mld.readQuery(fromHex(`8200000092340000${rest}`))?.responseMicros, 0x1234 * 16 * 1000);
  equal(mld.readQuery(fromHex(`8200000007d00000${"00".repeat(16)}`)), undefined);
  const one = { group: GROUP, responseMicros: 1_000_000 };
  equal(mld.readQuery(mld.queryBody(one, 125)), one);
});

test("reports are read: sources and auxiliary words passed over, what runs over refused", () => {
  const header = "8f00000000000002";
  const first = `01010001${toHex(GROUP)}${"20".repeat(16)}aabbccdd`;
  const second = `04000000${toHex(OTHER)}`;
  const whole = fromHex(header + first + second);
  equal(mld.readReport(whole), [
    { type: 1, group: GROUP, sources: 1 },
    { type: 4, group: OTHER, sources: 0 },
  ]);
  for (let length = 8; length < whole.length; length++) {
    equal(mld.readReport(whole.slice(0, length)), undefined, `${length} bytes`);
  }
  // The last record's sources and auxiliary words do not count as there.
  equal(mld.readReport(fromHex(`8f00000000000001040000ff${toHex(GROUP)}`)), undefined);
});

/** A report of 0x000a for the border, with something else in it. */
function tampered(change: (hex: string) => string): [World, string] {
  const w = world();
  const lamp = listening(w.mesh, LAMP);
  lamp.stack.join(GROUP);
  w.mesh.ether.hears = () => false;
  w.mesh.run(100);
  const [frame] = sent(w.mesh, lamp, mld.REPORT).map(toHex);
  const changed = change(frame);
  w.border.radio.onFrame?.(fromHex(changed), w.mesh.clock.micros());
  const { malformed, unsupported, notForUs } = w.border.counts;
  const count = { malformed, unsupported, notForUs };
  const [reason = "taken"] = Object.entries(count).find(([, n]) => n !== undefined) ?? [];
  return [w, reason];
}

/** Type, checksum and so on of a frame whose bytes before the message have another length. */
const HEADERS = 38;

test("a report counts only as RFC 3810 wants it", () => {
  equal(tampered((hex) => hex)[0].changes, [`+${toHex(GROUP)}`]);
  const cases: [string, (hex: string) => string, string][] = [
    ["checksum", (hex) => hex.replace("70ed", "70ee"), "malformed"],
    ["hop limit 64", (hex) => hex.replace("7d3b16", "7e3b16"), "malformed"],
    ["to ff02::1", (hex) => hex.replace("7d3b16", "7d3b01"), "unsupported"],
    ["no alert", (hex) => hex.replace("05020000", "01020000"), "malformed"],
    ["another alert", (hex) => hex.replace("05020000", "05020001"), "malformed"],
    ["another type", (hex) => `${hex.slice(0, HEADERS)}8a${hex.slice(HEADERS + 2)}`, "unsupported"],
    ["another protocol", (hex) => hex.replace("e03a04", "e03b04"), "notForUs"],
    // 2001:db8::5 in line, and the sum that goes with it.
    [
      "source",
      (hex) => hex.replace("7d3b16", `7d0b${OUTSIDE}16`).replace("70ed", "40ba"),
      "malformed",
    ],
    ["cut", (hex) => hex.slice(0, HEADERS + 14), "malformed"],
  ];
  for (const [name, change, reason] of cases) {
    const [{ changes }, found] = tampered(change);
    equal([name, found, changes], [name, reason, []]);
  }
});

test("a message of seven bytes is malformed, whatever it begins with", () => {
  for (const type of ["8f", "00"]) {
    const [, reason] = tampered((hex) => `${hex.slice(0, HEADERS)}${type}000000000000`);
    equal(reason, "malformed");
  }
});

test("padding after the alert is fine, and a plain header's length has to be right", () => {
  const plain = (length: string) => (hex: string) => {
    const addresses = "fe80000000000000000000fffe00000aff020000000000000000000000000016";
    const hop = "3a00050200000100";
    const header = `4160000000${length}0001${addresses}${hop}`;
    return `${hex.slice(0, 18)}${header}${hex.slice(HEADERS)}`;
  };
  equal(tampered(plain("0024"))[0].changes, [`+${toHex(GROUP)}`]);
  equal(tampered(plain("0025"))[1], "malformed");
});

// ---- who listens

test("the border learns of a join, and of a leave when nobody else listens", () => {
  const { mesh, changes } = world();
  const lamps = [listening(mesh, LAMP), listening(mesh, 0x000b)];
  for (const { stack } of lamps) stack.join(GROUP);
  mesh.run(2000);
  equal(changes, [`+${toHex(GROUP)}`]);
});

test("the last to leave is noticed within seconds, the first of two is not missed", () => {
  const { mesh, border, changes } = world();
  const [a, b] = [listening(mesh, LAMP), listening(mesh, 0x000b)];
  border.stack.listeners.start();
  for (const { stack } of [a, b]) stack.join(GROUP);
  mesh.run(5000);
  a.stack.leave(GROUP);
  mesh.run(10_000);
  equal(changes, [`+${toHex(GROUP)}`]);
  b.stack.leave(GROUP);
  mesh.run(10_000);
  equal(changes, [`+${toHex(GROUP)}`, `-${toHex(GROUP)}`]);
});

test("a border that comes later asks, and hears of everything within seconds", () => {
  const { mesh, border, changes } = world();
  const lamp = listening(mesh, LAMP);
  mesh.ether.hears = () => false;
  for (const group of [GROUP, OTHER]) lamp.stack.join(group);
  mesh.run(5000);
  mesh.ether.hears = () => true;
  equal(changes, []);
  border.stack.listeners.start();
  mesh.run(2500);
  equal([...changes].sort(), [`+${toHex(GROUP)}`, `+${toHex(OTHER)}`]);
  const [answer] = sent(mesh, lamp, mld.REPORT).slice(-1).map(toHex);
  // Two records MODE_IS_EXCLUDE.
  equal(answer.slice(46, 62), "0000000202000000");
});

test("who has lost power is forgotten after two intervals", () => {
  const { mesh, border, changes } = world(5);
  const lamp = listening(mesh, LAMP);
  border.stack.listeners.start();
  lamp.stack.join(GROUP);
  mesh.run(30_000);
  equal(changes, [`+${toHex(GROUP)}`]);
  mesh.ether.hears = (_, to) => to !== lamp.radio;
  mesh.run(7000);
  equal(changes.length, 1);
  mesh.run(12_000);
  equal(changes, [`+${toHex(GROUP)}`, `-${toHex(GROUP)}`]);
});

test("lamps out of the border's reach are asked and heard by way of a router", () => {
  const { mesh, border, changes } = world(5);
  const middle = listening(mesh, 0x000c, BORDER, true);
  const far = listening(mesh, 0x000d, 0x000c);
  mesh.ether.onlyLinks([
    [far.radio, middle.radio],
    [middle.radio, border.radio],
  ]);
  border.stack.listeners.start();
  far.stack.join(GROUP);
  mesh.run(30_000);
  equal(changes, [`+${toHex(GROUP)}`]);
  // Every message of a link is from that link: hop limit 1, sources fe80::.
  equal(sent(mesh, middle, mld.REPORT).length > 2, true);
  equal(sent(mesh, middle, mld.QUERY).length > 2, true);
  far.stack.leave(GROUP);
  mesh.run(10_000);
  equal(changes, [`+${toHex(GROUP)}`, `-${toHex(GROUP)}`]);
});

test("routers do not repeat one another: a query down, a report up, once each", () => {
  const { mesh, border } = world();
  const a = listening(mesh, 0x000c, BORDER, true);
  const b = listening(mesh, 0x000d, 0x000c, true);
  border.stack.listeners.start();
  mesh.run(3000);
  equal(sent(mesh, a, mld.QUERY).length, 1);
  equal(sent(mesh, b, mld.QUERY).length, 1);
  // Down the tree a report is nobody's business.
  const up = sent(mesh, b, mld.REPORT).length;
  b.stack.join(GROUP);
  mesh.run(100);
  const [report] = sent(mesh, b, mld.REPORT).slice(up);
  report.set([0x0d, 0, 0x0c, 0], 5);
  const before = sent(mesh, b, mld.REPORT).length;
  const body = report.slice(19);
  const mac = { ...macOf(0x000c), destinationLow: 0x000d };
  b.radio.onFrame?.(mld.mldFrame(mac, mld.ALL_ROUTERS, body), mesh.clock.micros());
  equal(sent(mesh, b, mld.REPORT).length, before);
});

function macOf(short: number) {
  return {
    ...{ wantsAck: true, sequence: 99, pan: 0xabcd, payloadAt: 0 },
    ...{ destinationHigh: -1, destinationLow: 0xffff, sourceHigh: -1, sourceLow: short },
  };
}

test("a query of anybody but the next hop is not answered", () => {
  const { mesh } = world();
  const lamp = listening(mesh, LAMP, BORDER, true);
  lamp.stack.join(GROUP);
  mesh.run(3000);
  const before = mesh.ether.frames.length;
  const body = mld.queryBody({ group: undefined, responseMicros: 100_000 }, 125);
  const ask = (short: number) => {
    const frame = mld.mldFrame({ ...macOf(short), wantsAck: false }, mld.ALL_NODES, body);
    lamp.radio.onFrame?.(frame, mesh.clock.micros());
    mesh.run(1000);
  };
  ask(0x000e);
  equal(mesh.ether.frames.length, before);
  ask(BORDER);
  equal(mesh.ether.frames.length, before + 2);
});

test("queries without end are passed on a bounded number of times", () => {
  const { mesh } = world();
  const lamp = listening(mesh, LAMP, BORDER, true);
  const body = mld.queryBody({ group: undefined, responseMicros: 100_000 }, 125);
  for (let i = 0; i < 20; i++) {
    const frame = mld.mldFrame({ ...macOf(BORDER), wantsAck: false }, mld.ALL_NODES, body);
    lamp.radio.onFrame?.(frame, mesh.clock.micros());
  }
  mesh.run(1000);
  equal(sent(mesh, lamp, mld.QUERY).length, 4);
});

test("more groups than one frame holds are reported in several", () => {
  const { mesh, changes } = world();
  const lamp = listening(mesh, LAMP);
  for (let i = 1; i <= 9; i++) {
    const group = GROUP.slice();
    group[15] = i;
    lamp.stack.join(group);
  }
  mesh.run(2000);
  equal(changes.length, 9);
  equal(mld.RECORDS_MAX, 4);
});

test("groups of the mesh alone are not reported", () => {
  const { mesh } = world();
  const lamp = listening(mesh, LAMP);
  lamp.stack.join(fromHex("ff130000000000000000000000000001"));
  mesh.run(2000);
  equal(mesh.ether.frames.length, 0);
});

function table(most = 2) {
  const clock = new TestClock();
  const changes: string[] = [];
  const asked: (string | undefined)[] = [];
  const listeners = new Listeners({
    clock,
    most,
    ask: ({ group }) => asked.push(group && toHex(group)),
    onChange: (group, on) => changes.push(`${on ? "+" : "-"}${toHex(group)}`),
  });
  return { clock, changes, asked, listeners };
}

test("the table of groups is bounded: the newcomer is not listened to", () => {
  const { listeners, changes } = table();
  for (let i = 1; i <= 3; i++) {
    const group = GROUP.slice();
    group[15] = i;
    listeners.take([{ type: mld.RECORD.TO_EXCLUDE, group, sources: 0 }]);
  }
  equal([changes.length, listeners.groups.length, listeners.refused], [2, 2, 1]);
});

test("records of every type: some source is as good as all of them", () => {
  const { IS_INCLUDE, IS_EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW, BLOCK } = mld.RECORD;
  const listensWith = (type: number, sources: number) => {
    const { listeners, changes } = table();
    listeners.take([{ type, group: GROUP, sources }]);
    return changes.length === 1;
  };
  equal(
    [IS_INCLUDE, IS_EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW, BLOCK].map((type) => [
      listensWith(type, 0),
      listensWith(type, 1),
    ]),
    [
      [false, true],
      [true, true],
      [false, true],
      [true, true],
      [false, true],
      [false, false],
    ],
  );
});

test("scopes that do not cross the border need no row", () => {
  const { listeners, changes } = table();
  for (const group of ["ff02", "ff13", "ff1f", "fd15"]) {
    const address = fromHex(`${group}${"00".repeat(13)}01`);
    listeners.take([{ type: mld.RECORD.TO_EXCLUDE, group: address, sources: 0 }]);
  }
  equal(changes, []);
});

test("a leave is asked about twice", () => {
  const { clock, listeners, asked, changes } = table();
  listeners.take([{ type: mld.RECORD.TO_EXCLUDE, group: GROUP, sources: 0 }]);
  listeners.start();
  listeners.take([{ type: mld.RECORD.TO_INCLUDE, group: GROUP, sources: 0 }]);
  listeners.take([{ type: mld.RECORD.TO_INCLUDE, group: OTHER, sources: 0 }]);
  clock.advance(1_500_000);
  equal(asked, [undefined, toHex(GROUP), toHex(GROUP)]);
  equal(changes.length, 1);
  clock.advance(2_500_000);
  equal(changes, [`+${toHex(GROUP)}`, `-${toHex(GROUP)}`]);
});
