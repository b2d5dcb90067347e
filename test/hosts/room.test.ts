import assert from "node:assert/strict";
import { test } from "node:test";
import { Chance } from "../../hosts/installation/chance.js";
import { generate } from "../../hosts/installation/generate.js";
import { settle, shortPress } from "../../hosts/room/contact.js";
import { Meter } from "../../hosts/room/meter.js";
import { parseOptions, UsageError } from "../../hosts/room/options.js";
import { clock, render, type View } from "../../hosts/room/screen.js";
import { percentile, securityOf, summarise } from "../../hosts/room/summary.js";

const SIZES = { luminaires: 3, switches: 2, sensors: 1, hops: 1, loss: 0, seed: 7 } as const;
const room = generate(SIZES);

test("options: the defaults are the room of the issue", () => {
  const options = parseOptions([]);
  assert.deepEqual([options.luminaires, options.switches, options.sensors], [12, 2, 1]);
  assert.deepEqual([options.hops, options.lossPercent, options.engine], [1, 0, "release"]);
  assert.deepEqual([options.json, options.presses, options.seed], [false, undefined, undefined]);
});

test("options: everything at once", () => {
  const text =
    "--presses 50 --luminaires 20 --loss 10 --seed 7 --pcap out.pcap --json --engine m32" +
    " --profile group-oscore-02";
  const options = parseOptions(text.split(" "));
  assert.deepEqual([options.presses, options.luminaires, options.lossPercent], [50, 20, 10]);
  assert.deepEqual([options.seed, options.pcap, options.json], [7, "out.pcap", true]);
  assert.deepEqual([options.engine, options.profile], ["m32", "group-oscore-02"]);
});

test("options: what is wrong is named, with what is right", () => {
  const cases: readonly [string, RegExp][] = [
    ["--presses 0", /--presses 0: give a whole number from 1 to 100000/],
    ["--luminaires 2.5", /--luminaires 2\.5: give a whole number from 1 to 500/],
    ["--luminaires", /--luminaires/],
    ["--seed 4294967296", /--seed 4294967296: give a whole number from 0 to 4294967295/],
    ["--loss 10%", /--loss 10%: give a percentage from 0 to 100, without the sign/],
    ["--loss 101", /--loss 101/],
    ["--engine v8", /--engine v8: give one of release, debug, m32/],
    ["--profile dtls", /--profile dtls: give one of lowlatency, oscoap-00/],
    ["--file a.json --profile oscore", /--profile and --file: the file says that already/],
    ["--hops 5 --luminaires 4", /--hops 5: 4 luminaires cannot fill 5 layers/],
    ["--file a.json --loss 3", /--loss and --file: the file says that already/],
    ["--nonsense", /--nonsense/],
    ["stray", /stray/],
  ];
  for (const [text, expected] of cases) {
    assert.throws(
      () => parseOptions(text.split(" ")),
      (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, expected);
        return true;
      },
    );
  }
});

test("a contact: spikes within 8 ms, then rest; the first opening completes the press", () => {
  const chance = new Chance(7, "test");
  let spikes = 0;
  for (let round = 0; round < 200; round++) {
    const { edges, completingMicros } = shortPress(1_000_000, chance);
    const times = edges.map(({ at }) => at);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
    assert.ok(edges.every(({ down }, index) => down === (index % 2 === 0)));
    const opening = edges.findIndex(({ at }) => at === completingMicros);
    assert.equal(edges[opening].down, false);
    assert.ok(edges[opening - 1].at - 1_000_000 <= 8_000);
    assert.ok((edges.at(-1)?.at ?? 0) - completingMicros <= 8_000);
    assert.ok(completingMicros - 1_000_000 < 500_000 - 8_000);
    spikes += edges.length - 2;
  }
  assert.ok(spikes > 400);
  assert.deepEqual(settle(true, 5, new Chance(1, "x")), settle(true, 5, new Chance(1, "x")));
});

const lit = (device: string, at: number, level: number) => ({
  device,
  at,
  light: { level, mired: 250 },
});

test("the meter: reactions the right way, the missing lamps, lamps that show it already", () => {
  const meter = new Meter(room);
  meter.light(lit("lamp-3", 10, 254));
  meter.begin("switch-1", 1_000);
  assert.equal(meter.latest?.on, true);
  assert.equal(meter.light(lit("lamp-1", 1_900, 20)), true);
  assert.equal(meter.light(lit("lamp-1", 2_000, 254)), false);
  assert.deepEqual(meter.latest?.missed, ["lamp-2"]);
  assert.deepEqual([...(meter.latest?.reactions ?? [])], [["lamp-1", 900]]);
  meter.begin("switch-2", 5_000);
  assert.equal(meter.latest?.on, false);
  assert.equal(meter.light(lit("lamp-3", 5_700, 254)), false);
  assert.equal(meter.light(lit("lamp-3", 5_800, 0)), true);
  assert.deepEqual(meter.latest?.missed, ["lamp-1"]);
});

test("the meter: a switch that said the same again is told apart from the next press", () => {
  const meter = new Meter(room);
  const commanded: (boolean | undefined)[] = [];
  for (const level of [254, 254, 0, 254]) {
    meter.begin("switch-1", 1_000);
    commanded.push(meter.latest?.on);
    for (const lamp of ["lamp-1", "lamp-2", "lamp-3"]) meter.light(lit(lamp, 1_010, level));
  }
  // The second press left all lamps on though it should have turned them off: nobody obeyed.
  assert.deepEqual(commanded, [true, false, false, true]);
  assert.deepEqual(meter.latest?.missed, []);
});

test("one group of each kind: both ways of delivery are named", () => {
  const { securityGroups, unicastGroups } = generate({ ...SIZES, profile: "oscore" });
  const mixed = { ...room, securityGroups: [...room.securityGroups, ...securityGroups] };
  assert.deepEqual(securityOf({ ...mixed, unicastGroups }), {
    profile: "lowlatency, oscore",
    delivery: "multicast and unicast",
  });
});

test("percentiles: nearest rank", () => {
  const values = Array.from({ length: 20 }, (_, index) => 20 - index);
  assert.deepEqual(
    [50, 95, 99, 100].map((p) => percentile(values, p)),
    [10, 19, 20, 20],
  );
  assert.equal(percentile([], 50), undefined);
});

test("the summary: exactly the fields of the issue", () => {
  const press = (reactions: [string, number][], missed: string[]) => {
    return { switch: "switch-1", at: 0, on: true, reactions: new Map(reactions), missed };
  };
  const summary = summarise({
    engine: "xs 13.3.0",
    engines: { "xs 13.3.0": 4 },
    room,
    luminaires: 2,
    presses: [
      press(
        [
          ["a", 9_000],
          ["b", 11_500],
        ],
        [],
      ),
      press([["a", 8_000]], ["b"]),
      press([], ["a", "b"]),
    ],
    drops: new Map([
      ["replayed", 2],
      ["forged", 1],
    ]),
    usage: [
      { liveBytes: 10, peakBytes: 30 },
      { liveBytes: 20, peakBytes: 25 },
    ],
  });
  assert.equal(
    JSON.stringify(summary),
    '{"engine":"xs 13.3.0","engines":{"xs 13.3.0":4},"profile":"lowlatency",' +
      '"delivery":"multicast","luminaires":2,"presses":3,"missed":3,' +
      '"latencyMs":{"p50":8,"p95":11.5,"p99":11.5,"max":11.5},' +
      '"firstToLastMs":{"p50":0,"max":2.5},"drops":{"forged":1,"replayed":2},' +
      '"heapBytes":{"luminaire":{"live":20,"peak":30}}}',
  );
});

const view: View = {
  title: "Lumicast",
  nowMicros: 61_250_000,
  lamps: [
    { name: "lamp-1", level: 254, latencyMicros: 10_049, pattern: "off" },
    { name: "a lamp with a long name", level: 1, latencyMicros: undefined, pattern: "off" },
    { name: "lamp-3", level: 0, latencyMicros: undefined, pattern: "off" },
  ],
  switches: [{ name: "switch-1", active: true, pattern: "off" }],
  sensors: [{ name: "sensor-1", active: false, pattern: "off" }],
  presses: ["1:01.0 switch-1 press: 3 of 3 lamps changed, first 9.0 ms, last 10.0 ms"],
  drops: ["1:01.1 lamp-3: replayed"],
  dropCounts: new Map([["replayed", 1]]),
  help: "1 press · q quit",
};

test("the screen: every line fits, whatever the size", () => {
  for (const columns of [1, 20, 40, 80, 200]) {
    for (const rows of [1, 5, 12, 24, 60]) {
      const lines = render(view, { columns, rows }, 0);
      assert.equal(lines.length, rows);
      for (const line of lines) assert.ok([...line].length <= columns, line);
      assert.ok(lines.at(-1)?.startsWith(view.help.slice(0, columns)));
    }
  }
});

test("the screen: levels, latencies, drops; colours only where there are some", () => {
  const lines = render(view, { columns: 110, rows: 24 }, 0);
  const text = lines.join("\n");
  assert.match(text, /Lumicast {3}1:01\.2/);
  assert.match(text, /lamp-1 +████████ 100% +10\.0 ms/);
  assert.match(text, /a lamp wit █░░░░░░░ {3}0%/);
  assert.match(text, /● switch-1 {3}○ sensor-1/);
  assert.match(text, /dropped: replayed 1/);
  assert.match(text, /1:01\.1 lamp-3: replayed/);
  assert.ok(!text.includes("\x1b"));
  const coloured = render(view, { columns: 110, rows: 24 }, 256).join("\n");
  assert.ok(coloured.includes("\x1b[38;5;230m████████\x1b[0m"));
  assert.ok(render(view, { columns: 110, rows: 24 }, 16).join("").includes("\x1b[97m████████"));
});

test("the screen: what status LEDs say, lit and dark, and what to do about it", () => {
  const told = (nowMicros: number) => {
    const lamps = view.lamps.map((lamp) => ({ ...lamp, pattern: "identify" as const }));
    const switches = [{ name: "switch-1", active: false, pattern: "open" as const }];
    return render({ ...view, nowMicros, lamps, switches }, { columns: 110, rows: 24 }, 0);
  };
  const text = told(0).join("\n");
  assert.match(text, /lamp-1 +████████ 100% ● identify /);
  assert.match(text, /○ switch-1 ● open {3}○ sensor-1/);
  assert.match(text, /^open: waits to be joined.*; join it within three minutes/m);
  assert.match(text, /^identify: somebody asked which one it is; say yes/m);
  const later = told(500_000).join("\n");
  assert.match(later, /100% ○ identify /);
  assert.match(later, /switch-1 ● open/);
  assert.match(told(250_000).join("\n"), /switch-1 ○ open/);
});

test("the clock", () => {
  assert.deepEqual([0, 9_950_000, 60_000_000, 3_599_900_000].map(clock), [
    "0:00.0",
    "0:09.9",
    "1:00.0",
    "59:59.9",
  ]);
});
