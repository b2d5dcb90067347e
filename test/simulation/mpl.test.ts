/**
 * A command to 100 lamps over three hops on the real channel: collisions, queues and back-offs
 * included, which the figures of design/FACTS.md leave out. Prints what it finds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Link } from "../../hosts/radio/types.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { Air } from "../support/air.js";
import { counting, PORT } from "../support/mesh.js";

/** Six bytes in the compressed header: the 77-byte frame of FACTS. */
const GROUP = fromHex("ff15000000000000000000123456789a");
const RUNS = 300;

/**
 * Node 0 is the switch; then lamps in `hops` rooms in a row, each of which hears itself and its
 * neighbours.
 */
function roomOf(node: number, lamps: number, hops: number): number {
  return node === 0 ? 0 : 1 + Math.floor(((node - 1) * hops) / lamps);
}

function linksOf(lamps: number, hops: number): Link[] {
  const links: Link[] = [];
  for (let from = 0; from <= lamps; from++) {
    for (let to = 0; to <= lamps; to++) {
      const apart = Math.abs(roomOf(from, lamps, hops) - roomOf(to, lamps, hops));
      if (from !== to && apart <= 1) links.push({ from, to });
    }
  }
  return links;
}

interface Scenario {
  readonly lamps: number;
  readonly hops: number;
  readonly routersPerHop: number;
  readonly lossPercent: number;
  readonly bytes: number;
}

interface Figures {
  /** Time until the last lamp that was reached had it. */
  readonly lastMs: number[];
  readonly missed: number;
  readonly framesPerRun: number;
}

function simulate(scenario: Scenario, runs = RUNS): Figures {
  const { lamps, hops, routersPerHop, lossPercent, bytes } = scenario;
  const perRoom = Math.ceil(lamps / hops);
  const isRouter = (node: number) => node > 0 && (node - 1) % perRoom < routersPerHop;
  const air = new Air(
    { count: lamps + 1, links: linksOf(lamps, hops), seed: 7, lossPercent },
    (i) => ({
      router: isRouter(i),
    }),
  );
  for (const { stack } of air.nodes) stack.join(GROUP);
  const payload = counting(bytes);
  const lastMs: number[] = [];
  let missed = 0;
  for (let run = 0; run < runs; run++) {
    const start = air.clock.micros();
    for (const node of air.nodes) node.received.length = 0;
    const to = { address: GROUP, port: PORT };
    assert.ok(air.nodes[0].stack.send({ to, fromPort: PORT, bytes: payload }));
    air.run(1000);
    const times = air.nodes.slice(1).flatMap(({ received }) => received.map((d) => d.atMicros));
    assert.ok(times.length <= lamps, "a lamp got it twice");
    missed += lamps - times.length;
    lastMs.push((Math.max(...times) - start) / 1000);
  }
  // A lost fragment, or more copies than there are places to put them together.
  for (const { counts } of air.nodes) {
    for (const reason of Object.keys(counts)) assert.match(reason, /^(fragment|overflow)$/);
  }
  const frames = air.nodes.reduce((sum, { stack }) => sum + stack.statistics.frames, 0);
  return { lastMs: lastMs.sort((a, b) => a - b), missed, framesPerRun: frames / runs };
}

function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];
}

function report(name: string, { lastMs, missed, framesPerRun }: Figures): string {
  const [p50, p99] = [percentile(lastMs, 0.5), percentile(lastMs, 0.99)];
  const times = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
  return `${name}: ${times}, ${missed} lamps missed, ${framesPerRun.toFixed(1)} frames a command`;
}

const COMMAND = 32;
const SIGNED = 96;

test("one hop, no loss: every lamp at the same moment, 4.1 ms on average, 5.2 at most", (t) => {
  const figures = simulate({
    lamps: 12,
    hops: 1,
    routersPerHop: 3,
    lossPercent: 0,
    bytes: COMMAND,
  });
  t.diagnostic(report("one hop", figures));
  assert.equal(figures.missed, 0);
  const mean = figures.lastMs.reduce((sum, ms) => sum + ms, 0) / RUNS;
  // 300 draws: sigma of the mean 733 / sqrt(300) = 42 us.
  assert.ok(Math.abs(mean - 4.096) < 4 * 0.0423, `mean ${mean}`);
  assert.ok(percentile(figures.lastMs, 1) <= 5.216);
});

test("three hops, 100 lamps, 3 forwarders a hop, 10 % loss: p99 within 200 ms", (t) => {
  const scenario = { lamps: 100, hops: 3, routersPerHop: 3, lossPercent: 10, bytes: COMMAND };
  const figures = simulate(scenario);
  t.diagnostic(report("three hops (FACTS, without collisions: 61/112)", figures));
  assert.ok(percentile(figures.lastMs, 0.99) < 200);
  // Six copies in each room: a lamp that hears every room's three routers twice misses one in a
  // million.
  assert.ok(figures.missed <= 5, `${figures.missed} missed of ${RUNS * 100}`);
});

test("three hops, no loss: everybody, every time", (t) => {
  const scenario = { lamps: 100, hops: 3, routersPerHop: 3, lossPercent: 0, bytes: COMMAND };
  const figures = simulate(scenario);
  t.diagnostic(report("three hops, no loss", figures));
  assert.ok(percentile(figures.lastMs, 0.99) < 200);
  assert.equal(figures.missed, 0);
});

test("three hops with two fragments, as signed commands have", (t) => {
  const scenario = { lamps: 100, hops: 3, routersPerHop: 3, lossPercent: 10, bytes: SIGNED };
  const figures = simulate(scenario);
  t.diagnostic(report("three hops, 96 bytes (FACTS: 90/149)", figures));
  assert.ok(percentile(figures.lastMs, 0.5) < 200);
});

test("sixteen routers in one room do not choke the channel", (t) => {
  const scenario = { lamps: 100, hops: 3, routersPerHop: 16, lossPercent: 10, bytes: COMMAND };
  const figures = simulate(scenario, 100);
  t.diagnostic(report("three hops, 16 forwarders a hop", figures));
  assert.ok(percentile(figures.lastMs, 0.99) < 200);
});
