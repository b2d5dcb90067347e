/**
 * The border router's mesh side: what goes out, what comes in, and that it is the same datagram.
 * Frames as in lowpan-header.test.ts; 0x000a is a lamp, 0x00bb the border.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { BorderStack, type Passing } from "../../modules/lowpan/border.js";
import { Gate } from "../../modules/lowpan/gate.js";
import { ListeningStack, meshStack } from "../../modules/lowpan/listener.js";
import type { LowpanStack } from "../../modules/lowpan/stack.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { counting, Mesh, type MeshNode, meshAddress, PORT } from "../support/mesh.js";

const GROUP = fromHex("ff150000000000000000000000000001");
const REALM_GROUP = fromHex("ff130000000000000000000000000001");
/** 2001:db8::5, RFC 3849. */
const OUTSIDE = fromHex("20010db8000000000000000000000005");
const PAYLOAD = fromHex("50010001b161");
const LAMP = 0x000a;
const BORDER = 0x00bb;
const TO_BORDER = new Map([[0xffff, BORDER]]);

type Outward = Passing & { readonly hopLimit: number };

interface World {
  readonly mesh: Mesh;
  readonly lamp: MeshNode<LowpanStack>;
  readonly border: MeshNode<BorderStack>;
  readonly out: Outward[];
  readonly changes: string[];
}

function world(querySeconds = 125): World {
  const mesh = new Mesh();
  const out: Outward[] = [];
  const changes: string[] = [];
  const border = mesh.special(BORDER, (base) => {
    return new BorderStack({
      ...base,
      querySeconds,
      onOutward: (passing) => out.push(passing),
      onListeners: (group, on) => changes.push(`${on ? "+" : "-"}${toHex(group)}`),
    });
  });
  const lamp = mesh.special(LAMP, (base) => meshStack({ ...base, routes: TO_BORDER }));
  return { mesh, lamp, border, out, changes };
}

function passing(given: Partial<{ from: Uint8Array; to: Uint8Array; bytes: Uint8Array }> = {}) {
  const { from = OUTSIDE, to = GROUP, bytes = PAYLOAD } = given;
  return { from: { address: from, port: 4000 }, to: { address: to, port: PORT }, bytes };
}

/** A frame for the border from 0x000a, by link unicast or broadcast. */
function give({ mesh, border }: World, link: string, rest: string): void {
  const frame = fromHex(`418801cdab${link}0a00${rest}`.replaceAll(" ", ""));
  border.radio.onFrame?.(frame, mesh.clock.micros());
}

const UDP = `f016331633`;
/** 40 hops, from fd00::ff:fe00:a, a new sequence number each. */
function toGroup(group: string, checksum: string, sequence: string, hops = "40"): string {
  return `7c6a${hops}000a${group}e1046d0200${sequence}${UDP}${checksum}50010001b161`;
}

/** From 0x000a to 2001:db8::5. */
function toOutside(checksum: string, hops = "40", to = toHex(OUTSIDE)): string {
  return `7c70${hops}${to}${UDP}${checksum}50010001b161`;
}

/** Of the datagrams above; worked out by hand from the sums of their words. */
const TO_GROUP_SUM = "d6e6";
const TO_OUTSIDE_SUM = "a83f";

// ---- out of the mesh

test("a command to a group leaves as it is, one hop on, and goes on in the mesh", () => {
  const { mesh, lamp, border, out } = world();
  lamp.stack.send({ to: { address: GROUP, port: PORT }, fromPort: PORT, bytes: PAYLOAD });
  mesh.run(500);
  const from = { address: meshAddress(LAMP), port: PORT };
  const to = { address: GROUP, port: PORT };
  equal(out, [{ from, to, bytes: PAYLOAD, hopLimit: 63 }]);
  equal(border.stack.statistics.forwarded, 1);
  equal(border.stack.outward, 1);
});

test("unicast to an address outside goes to the border over several hops", () => {
  const w = world();
  const { mesh, border, out } = w;
  const middle = mesh.special(0x000c, (base) => {
    return meshStack({ ...base, router: true, routes: TO_BORDER });
  });
  const far = mesh.special(0x000d, (base) => {
    const routes = new Map([
      [0xffff, BORDER],
      [BORDER, 0x000c],
    ]);
    return meshStack({ ...base, routes });
  });
  mesh.ether.onlyLinks([
    [far.radio, middle.radio],
    [middle.radio, border.radio],
  ]);
  far.stack.send({ to: { address: OUTSIDE, port: 4000 }, fromPort: PORT, bytes: PAYLOAD });
  mesh.run(100);
  equal(
    out.map(({ from, to, hopLimit }) => [toHex(from.address), from.port, to.port, hopLimit]),
    [[toHex(meshAddress(0x000d)), PORT, 4000, 62]],
  );
  equal(toHex(out[0].to.address), toHex(OUTSIDE));
});

test("without a border an address outside is nowhere", () => {
  const mesh = new Mesh();
  const node = mesh.node(LAMP);
  const to = { address: OUTSIDE, port: PORT };
  equal(node.stack.send({ to, fromPort: PORT, bytes: PAYLOAD }), false);
  equal(mesh.special(7, meshStack) instanceof ListeningStack, false);
});

test("realm-local scope stays on the mesh", () => {
  const { mesh, lamp, out } = world();
  for (const address of [REALM_GROUP, fromHex("ff020000000000000000000000000001")]) {
    lamp.stack.send({ to: { address, port: PORT }, fromPort: PORT, bytes: PAYLOAD });
  }
  mesh.run(500);
  equal(out, []);
});

test("hand-made frames pass when everything in them is right", () => {
  const w = world();
  give(w, "ffff", toGroup("15000001", TO_GROUP_SUM, "31"));
  give(w, "bb00", toOutside(TO_OUTSIDE_SUM));
  equal(
    w.out.map(({ hopLimit, bytes }) => [hopLimit, toHex(bytes)]),
    [
      [63, toHex(PAYLOAD)],
      [63, toHex(PAYLOAD)],
    ],
  );
});

test("a wrong checksum, or none, does not leave", () => {
  const w = world();
  give(w, "ffff", toGroup("15000001", "d6e7", "31"));
  give(w, "ffff", toGroup("15000001", "0000", "32"));
  give(w, "bb00", toOutside("0000"));
  equal(w.out, []);
  equal(w.border.counts.malformed, 3);
});

test("a checksum of zero does not leave even where it would be right", () => {
  const w = world();
  // The payload's last word changed so that all words add up to ffff: their complement is 0.
  const rest = toGroup("15000001", "0000", "31").slice(0, -4);
  give(w, "ffff", `${rest}8848`);
  equal(w.out, []);
  equal(w.border.counts.malformed, 1);
});

test("the last hop ends at the border", () => {
  const w = world();
  give(w, "ffff", toGroup("15000001", TO_GROUP_SUM, "31", "01"));
  give(w, "bb00", toOutside(TO_OUTSIDE_SUM, "01"));
  equal(w.out, []);
});

test("unicast by broadcast does not leave", () => {
  const w = world();
  give(w, "ffff", toOutside(TO_OUTSIDE_SUM));
  equal(w.out, []);
});

test("addresses that mean no machine outside are not sent to", () => {
  const w = world();
  const loopback = "00000000000000000000000000000001";
  give(w, "bb00", toOutside("d5fc", "40", loopback));
  equal([w.out.length, w.border.counts.notForUs], [0, 1]);
});

test("what came from outside does not go out again", () => {
  const w = world();
  const { border, mesh, out } = w;
  equal(border.stack.enter(passing()), undefined);
  const [frame] = mesh.frames().map(fromHex);
  mesh.run(10_000);
  // Long after the border forgot that it was its own, somebody says it again.
  frame[7] = 0x0a;
  frame[8] = 0;
  border.radio.onFrame?.(frame, mesh.clock.micros());
  equal([out.length, border.stack.outward], [0, 0]);
});

test("a device that sends without end is held back", () => {
  const w = world();
  for (let i = 0; i < 40; i++) {
    give(w, "ffff", toGroup("15000001", TO_GROUP_SUM, (i + 16).toString(16)));
  }
  equal([w.out.length, w.border.counts.overflow], [32, 8]);
});

// ---- into the mesh

test("a command from outside reaches those who joined, with its source and ports", () => {
  const { mesh, lamp, border } = world();
  lamp.stack.join(GROUP);
  mesh.run(3000);
  const before = mesh.ether.frames.length;
  equal(border.stack.enter(passing()), undefined);
  mesh.run(500);
  const [{ from, to, bytes }, ...more] = lamp.received;
  equal(more.length, 0);
  equal(
    [from, to, bytes],
    [{ address: OUTSIDE, port: 4000 }, { address: GROUP, port: PORT }, PAYLOAD],
  );
  // The whole source in line, hop limit 15, SEED_16 with the border's short address.
  const frame = mesh.frames()[before];
  equal(frame.slice(18, 24), "7c0a0f");
  equal(frame.slice(24, 56), toHex(OUTSIDE));
  equal(frame.slice(64, 74), "e1066d0440");
  equal(frame.slice(76, 80), "00bb");
});

test("unicast from outside reaches the one device, and its answer goes back", () => {
  const { mesh, lamp, border, out } = world();
  lamp.stack.onDatagram = ({ from, bytes }) => {
    lamp.stack.send({ to: from, fromPort: PORT, bytes });
  };
  equal(border.stack.enter(passing({ to: meshAddress(LAMP) })), undefined);
  mesh.run(500);
  equal(
    out.map(({ from, to }) => [toHex(from.address), toHex(to.address), to.port]),
    [[toHex(meshAddress(LAMP)), toHex(OUTSIDE), 4000]],
  );
});

test("a source on the mesh, or one that no machine has, does not come in", () => {
  const { border } = world();
  equal(border.stack.enter(passing()), undefined);
  for (const from of [
    meshAddress(LAMP),
    fromHex("fe800000000000000000000000000005"),
    fromHex("00000000000000000000000000000000"),
    fromHex("00000000000000000000000000000001"),
    fromHex("ff0e000000000000000000000000aaaa"),
    fromHex("ff150000000000000000000000000001"),
  ]) {
    equal(border.stack.enter(passing({ from })), "notForUs", toHex(from));
  }
  const { to, bytes } = passing();
  equal(border.stack.enter({ from: { address: OUTSIDE, port: 0 }, to, bytes }), "notForUs");
  equal(border.stack.inward, 1);
});

test("only groups of a wider scope and devices of the mesh are reached from outside", () => {
  const { border } = world();
  const link = fromHex("ff020000000000000000000000000001");
  for (const to of [REALM_GROUP, link, fromHex("ff1f0000000000000000000000000001")]) {
    equal(border.stack.enter(passing({ to })), "notForUs", toHex(to));
  }
  for (const to of [OUTSIDE, meshAddress(BORDER), fromHex("fe80000000000000000000fffe00000a")]) {
    equal(border.stack.enter(passing({ to })), "notForUs", toHex(to));
  }
  equal(border.stack.inward, 0);
});

test("what is larger than the mesh carries does not come in", () => {
  const { mesh, lamp, border } = world();
  lamp.stack.join(GROUP);
  // Headers 40 + 8 + 8; without the MPL option 48.
  equal(border.stack.enter(passing({ bytes: counting(1280 - 56 + 1) })), "malformed");
  const to = meshAddress(LAMP);
  equal(border.stack.enter(passing({ to, bytes: counting(1280 - 48 + 1) })), "malformed");
  equal(border.stack.enter(passing({ to, bytes: counting(1280 - 48) })), undefined);
  mesh.run(2000);
  equal(
    lamp.received.map(({ bytes }) => bytes.length),
    [1280 - 48],
  );
});

test("who floods the mesh is held back, others are not", () => {
  const { mesh, border } = world();
  const results = Array.from({ length: 20 }, () => {
    mesh.run(1);
    return border.stack.enter(passing({ to: meshAddress(LAMP), bytes: PAYLOAD }));
  });
  equal(new Set(results).size, 1);
  const flood = Array.from({ length: 20 }, () => {
    mesh.run(10);
    return border.stack.enter(passing()) ?? "in";
  });
  equal(flood.includes("overflow"), true);
  mesh.run(100);
  const other = fromHex("20010db8000000000000000000000006");
  equal(border.stack.enter(passing({ from: other })), undefined);
});

// ---- rates

test("a gate: each its share, the total its bound, and time gives back", () => {
  const clock = new TestClock();
  const gate = new Gate(clock, { burst: 6, perSecond: 2 }, { burst: 4, perSecond: 1 });
  const takes = (source: string, times: number) =>
    Array.from({ length: times }, () => gate.take(source)).filter((taken) => taken).length;
  equal(takes("a", 9), 4);
  equal(takes("b", 9), 2);
  clock.advance(1_000_000);
  equal([takes("a", 9), takes("b", 9)], [1, 1]);
  equal(gate.refused, 5 + 7 + 8 + 8);
});

test("a gate's table is bounded: those beyond share one bucket", () => {
  const clock = new TestClock();
  const gate = new Gate(clock, { burst: 1000, perSecond: 1 }, { burst: 2, perSecond: 1 });
  for (let i = 0; i < 63; i++) equal(gate.take(`known ${i}`), true);
  // The 64th is known; whoever comes then is one of "the others".
  equal(gate.take("last"), true);
  equal([gate.take("x"), gate.take("y"), gate.take("z")], [true, true, false]);
  // Those who were quiet make room again.
  clock.advance(2_000_000);
  equal([gate.take("u"), gate.take("v"), gate.take("w")], [true, true, true]);
});
