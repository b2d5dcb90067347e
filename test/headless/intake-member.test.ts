/**
 * Native help for members' messages (RFC 10021's group mode) against its reference, as
 * intake.test.ts has it: two whole devices, the same datagrams, everything equal after each of
 * them; what waits to be verified, too. Signatures are fake ones, which cost a hash.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { GET, PUT } from "../../modules/coap/options.js";
import { ROLE } from "../../modules/device/provision.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { deviceAddress } from "../support/addresses.js";
import { OFF, ON, pathOptions } from "../support/craft.js";
import { CHANGES, DEFER, Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { SeededRandom } from "../support/random.js";
import { provisioning } from "../support/rig.js";
import { both, bothCounted, prepare } from "./intake-both.js";
import { arrive, type Step, start, wait } from "./intake-steps.js";

before(prepare);

const LAMP = 20;
const SENDERS = [1, 2, 3, 0];
const MEMBERS = [...SENDERS, LAMP];
const PROFILE = "group-oscore";

function guildOf(more: Partial<GuildSpec> = {}): Guild {
  return new Guild({ profile: PROFILE, id: 5, members: MEMBERS, policy: DEFER, ...more });
}

function blobOf(...guilds: Guild[]): Uint8Array {
  return provisioning({
    number: LAMP,
    role: ROLE.LUMINAIRE,
    guilds,
    rights: guilds.flatMap((guild) =>
      guild.appGroups.flatMap(([id]) => SENDERS.slice(0, 3).map((one) => [one, id, 2] as const)),
    ),
    settings: [[0, 0]],
  });
}

function light(from: number, sequence: number, more: Partial<GuildCraft> = {}): GuildCraft {
  return { from, sequence, options: pathOptions("l"), payload: ON, ...more };
}

function step({ bytes, to }: Datagram): Step {
  return arrive(bytes, to);
}

/** Every member heard once, so that it is known. */
function heard(guild: Guild, sequence = 0): Step[] {
  return SENDERS.map((from) => step(guild.craft(light(from, sequence))));
}

function seeded(): { random: SeededRandom; note: string } {
  const seed = Number(process.env.LUMICAST_SEED ?? Date.now() % 0x7fffffff);
  return { random: new SeededRandom(seed), note: `LUMICAST_SEED=${seed}` };
}

/** In order, late, far ahead, twice; signed by others; other requests; damaged; pauses. */
function traffic(random: SeededRandom, guilds: readonly Guild[], count: number): Step[] {
  const next = new Map<string, number>();
  const past: Datagram[] = [];
  const steps: Step[] = [];
  const pick = <T>(all: readonly T[]): T => all[random.below(all.length)];
  for (let i = 0; i < count; i++) {
    if (past.length > 0 && random.chance(0.1)) {
      steps.push(step(pick(past)));
      continue;
    }
    const guild = pick(guilds);
    const from = pick(SENDERS);
    const name = `${guild.spec.id} ${from}`;
    let sequence = next.get(name) ?? 1 + random.below(300);
    if (random.chance(0.12)) sequence = Math.max(0, sequence - random.below(40));
    if (random.chance(0.05)) sequence += random.below(60);
    next.set(name, Math.max(next.get(name) ?? 0, sequence + 1));
    const cheats = random.chance(0.01) ? { signer: 2 } : {};
    const one = guild.craft(light(from, sequence, { ...variety(random, guild), ...cheats }));
    if (random.chance(0.1)) steps.push(step(damaged(random, one)));
    past.push(one);
    steps.push(step(one));
    if (random.chance(0.3)) steps.push(wait(pick([20_000, 150_000, 3_000_000])));
  }
  return steps;
}

function variety(random: SeededRandom, guild: Guild): Partial<GuildCraft> {
  const unicast = { address: deviceAddress(LAMP), port: guild.group.port };
  const level = Uint8Array.of(0xa1, 0x01, 0x18, 24 + random.below(200));
  const report = Uint8Array.of(0xa2, 0x00, 0xf5, 0x07, 0xf5);
  const all: readonly Partial<GuildCraft>[] = [
    ...[{}, {}, {}, {}, { payload: OFF }, { payload: OFF }, { payload: level }],
    { token: Uint8Array.of(1, 2, 3) },
    { payload: report, token: Uint8Array.of(4) },
    { payload: Uint8Array.of(0xa0) },
    { payload: new Uint8Array(100 + random.below(12)).fill(0xf6) },
    { to: unicast },
    { to: unicast, peer: LAMP },
    { peer: LAMP },
    { type: 0, to: unicast },
    { code: GET, options: pathOptions("l"), payload: undefined as unknown as Uint8Array },
    { code: PUT, options: pathOptions("idn"), payload: Uint8Array.of(1) },
  ];
  return all[random.below(all.length)];
}

function damaged(random: SeededRandom, { from, to, bytes: good, atMicros }: Datagram): Datagram {
  const bytes = good.slice();
  for (let n = random.below(3); n >= 0; n--) {
    const at = random.below(bytes.length);
    bytes[at] = random.chance(0.5) ? bytes[at] ^ (1 << random.below(8)) : random.below(256);
  }
  return {
    from,
    to,
    bytes: random.chance(0.2) ? bytes.slice(0, bytes.length - 1) : bytes,
    atMicros,
  };
}

const GROUPS: Record<string, Partial<GuildSpec>> = {
  "defer, algorithm 10": {},
  "defer, algorithm 30": { groupEncryption: 30 },
  "changes, algorithm 10": { policy: CHANGES },
  "defer, baseline": { policy: [...DEFER, [7, 1]] },
  "defer, challenge": { policy: [...DEFER, [7, 2]] },
};

for (const [name, spec] of Object.entries(GROUPS)) {
  test(`${name}: a day of commands`, () => {
    const { random, note } = seeded();
    const guild = guildOf(spec);
    const steps = [start(blobOf(guild)), ...heard(guild), ...traffic(random, [guild], 400)];
    const { native, outcomes } = bothCounted(steps, { schemes: true, unit: 4 });
    const { marked, opened } = native.counts;
    // Who is challenged is heard when he has answered; nobody does here.
    const least = name.endsWith("challenge") ? -1 : 4;
    assert.ok(outcomes.filter((one) => one === "accepted").length > least, note);
    // How many of them native help marks hangs on what chance puts before them.
    const isMarked = marked > Math.min(least, 0);
    assert.ok(opened > 60 && isMarked, `${note} ${JSON.stringify(native.counts)}`);
  });
}

test("groups at once: verified always, with two addresses, of another scheme", () => {
  const { random, note } = seeded();
  const guilds = [
    guildOf({ policy: [] }),
    guildOf({ id: 6, moreGroups: [300] }),
    guildOf({ id: 7, fill: 9 }),
    guildOf({ id: 8, profile: "group-oscore-02", policy: DEFER }),
  ];
  const steps = [start(blobOf(...guilds)), ...guilds.flatMap((guild) => heard(guild))];
  steps.push(...traffic(random, guilds, 300));
  const { native } = bothCounted(steps, { schemes: true, unit: 16 });
  assert.ok(native.counts.opened > 5, `${note} ${JSON.stringify(native.counts)}`);
});

test("cut at every byte, and every bit flipped", () => {
  const guild = guildOf();
  const { bytes, to } = guild.craft(light(1, 9));
  const steps = [start(blobOf(guild)), ...heard(guild), step(guild.craft(light(1, 8)))];
  for (let end = 0; end < bytes.length; end++) steps.push(arrive(bytes.slice(0, end), to));
  both(steps, { schemes: true });
  // A script has 64 KB.
  for (let at = 0; at < bytes.length; at += 16) {
    const flips = [start(blobOf(guild)), ...heard(guild), step(guild.craft(light(1, 8)))];
    for (let bit = at * 8; bit < Math.min(at + 16, bytes.length) * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      flips.push(arrive(flipped, to));
    }
    both(flips, { schemes: true });
  }
});

/** Outside out of form, the inside genuine: each at the head of a device of its own. */
const FORMS: Record<string, (good: Uint8Array) => Uint8Array> = {
  "another version": (good) => withByte(good, 0, good[0] ^ 0x80),
  "a confirmable one": (good) => withByte(good, 0, good[0] & 0xcf),
  "a token of 9 bytes": (good) =>
    Uint8Array.of(good[0] + 9, ...good.slice(1, 4), ...new Array(9).fill(1), ...good.slice(4)),
  "the code of an answer": (good) => withByte(good, 1, 0x44),
  "another option": (good) => withByte(good, 4, good[4] - 0x10),
  "an option more": (good) => {
    const end = 5 + (good[4] & 15);
    return Uint8Array.of(...good.slice(0, end), 0xc1, 7, ...good.slice(end));
  },
};

function withByte(good: Uint8Array, at: number, value: number): Uint8Array {
  const bytes = good.slice();
  bytes[at] = value;
  return bytes;
}

for (const [name, change] of Object.entries(FORMS)) {
  test(`out of form: ${name}`, () => {
    const guild = guildOf();
    const { bytes, to } = guild.craft(light(1, 9, { payload: OFF }));
    const known = [start(blobOf(guild)), ...heard(guild), step(guild.craft(light(1, 8)))];
    both([...known, arrive(change(bytes), to), arrive(bytes, to)], { schemes: true });
  });
}

test("at another address, on another port", () => {
  const guild = guildOf();
  const { bytes, to } = guild.craft(light(1, 9));
  const known = [start(blobOf(guild)), ...heard(guild), step(guild.craft(light(1, 8)))];
  const elsewhere = to.address.slice();
  elsewhere[15] ^= 1;
  const places = [{ address: elsewhere, port: to.port }, { address: to.address, port: 61616 }, to];
  const { outcomes } = both([...known, ...places.map((place) => arrive(bytes, place))], {
    schemes: true,
  });
  assert.equal(outcomes.at(-1), "accepted");
});

test("numbers: used, too old, the window's edge, far ahead", () => {
  const guild = guildOf();
  const steps = [start(blobOf(guild)), ...heard(guild)];
  for (const sequence of [10, 10, 40, 9, 8, 8, 72, 73, 41, 40, 200, 231, 232, 264, 263, 2 ** 31]) {
    steps.push(step(guild.craft(light(1, sequence, { mid: 1 }))), wait(150_000));
  }
  const { native } = bothCounted(steps, { schemes: true });
  assert.ok(native.counts.dropped >= 2, JSON.stringify(native.counts));
});

test("flash that refuses", async () => {
  const { wear } = await import("./intake-steps.js");
  const guild = guildOf();
  const steps = [start(blobOf(guild)), ...heard(guild), wear(1)];
  for (let sequence = 1; sequence < 24; sequence++) {
    steps.push(step(guild.craft(light(1, sequence))), wait(200_000));
    if (sequence % 6 === 0) steps.push(wait(3_000_000), wear(sequence % 4));
  }
  const { outcomes } = both(steps, { schemes: true });
  assert.ok(outcomes.includes("storeFailed"), outcomes.join());
});
