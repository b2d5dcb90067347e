/**
 * Native help on the receive path against its reference: two whole devices on the headless host are
 * given the same datagrams, one with board.intake and one without. After each of them outcome,
 * light, answers, replay state, rights, index and cursor have to be equal, in the end the flash
 * file to the byte and the number of flash operations; and native help has to have decided.
 * LUMICAST_SEED repeats a run.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { ROLE } from "../../modules/device/provision.js";
import { SeededRandom } from "../support/random.js";
import { lacks } from "../support/skip.js";
import {
  BLOB,
  both,
  bothCounted,
  COUNTED,
  FIRST,
  GROUPS,
  heard,
  LAST,
  placeOf,
  prepare,
  QUICK,
  RIGHTS,
  SENDERS,
  send,
  ZERO,
} from "./intake-both.js";
import {
  ADDRESS,
  arrive,
  craft,
  type Group,
  hostile,
  install,
  OFF,
  ON,
  type Place,
  provisioning,
  type Step,
  start,
  UNICAST,
  type Wish,
  wait,
  wear,
} from "./intake-steps.js";
import { binary, make } from "./lumicast.js";

before(prepare);

function seeded(): { random: SeededRandom; note: string } {
  const seed = Number(process.env.LUMICAST_SEED ?? Date.now() % 0x7fffffff);
  return { random: new SeededRandom(seed), note: `LUMICAST_SEED=${seed}` };
}

function withSeed(note: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw new Error(`${note}: ${(error as Error).message}`, { cause: error });
  }
}

/** Commands as they come: bursts, pauses, copies, late ones, leaps, other resources, answers. */
function traffic(random: SeededRandom, count: number): Step[] {
  const next = new Map<string, number>();
  const past: Step[] = [];
  const steps: Step[] = [];
  for (let i = 0; i < count; i++) {
    if (past.length > 0 && random.chance(0.12)) {
      steps.push(past[random.below(past.length)]);
      continue;
    }
    const group = random.chance(0.9) ? QUICK[random.below(5)] : GROUPS[random.below(8)];
    const sender = SENDERS[random.below(random.chance(0.5) ? 3 : SENDERS.length)];
    const name = `${group.security} ${sender}`;
    let sequence = next.get(name) ?? random.below(100);
    if (random.chance(0.1)) sequence = Math.max(0, sequence - random.below(90));
    if (random.chance(0.05)) sequence += random.below(200);
    next.set(name, Math.max(next.get(name) ?? 0, sequence + 1));
    const one = send({ group, sender, sequence, ...variety(random, group) });
    past.push(one);
    steps.push(one);
    if (random.chance(0.25)) steps.push(wait(random.chance(0.5) ? 3_000_000 : 50_000));
  }
  return steps;
}

/** Mostly on and off; else questions, scenes, nonsense, other resources and ways here. */
function variety(random: SeededRandom, group: Group): Partial<Wish> {
  const unicast = { address: UNICAST, port: group.port };
  const say = (...plain: number[]) => ({ plain });
  const all: readonly Partial<Wish>[] = [
    ...[{}, { plain: OFF }, { plain: ON }, {}, { plain: OFF }, { token: [1, 2, 3] }],
    say(...ON.slice(0, 4), 0xa1, 0x01, random.below(256)),
    say(...ON.slice(0, 4), 0xa1, 0x01, 0x18, random.below(256)),
    say(...ON.slice(0, 4), random.below(256)),
    // With a fade, a colour, an age, a report wanted; a question; a scene, stored and recalled.
    say(...ON.slice(0, 4), 0xa2, 0x00, 0xf5, 0x02, random.below(24)),
    say(...ON.slice(0, 4), 0xa2, 0x01, random.below(24), 0x04, 0x18, 200),
    say(...ON.slice(0, 4), 0xa2, 0x00, 0xf4, 0x06, 1 + random.below(23)),
    { ...say(...ON.slice(0, 4), 0xa2, 0x00, 0xf5, 0x07, 0xf5), token: [6, random.below(256)] },
    { ...say(...ON.slice(0, 4), 0xa1, 0x07, 0xf5), token: [8] },
    say(3, 0xb3, 0x73, 0x63, 0x6e, 0x01, 0x33, 0xff, 0xa1, 0x01, 0x05),
    say(...ON.slice(0, 4), 0xa1, 0x03, 3),
    { ...say(1, 0xb1, 0x6c), to: unicast, token: [9] },
    { ...say(1, 0xb1, 0x6c), to: unicast, first: 0x40 },
    { to: unicast },
    { to: unicast, first: 0x40, token: [4, 4] },
    ...[say(1, 0xb1, 0x6c), say(2, 0xb1, 0x6d, 0xff, 0), say(2), say(2, 0xff), say(7, 0xb1)],
    say(2, 0xb1, 0x6c, 0xff, ...new Array<number>(random.below(140)).fill(0xf6)),
    say(2, 0x91, 0x6c, 0xff, 0xf5),
    { outside: [{ number: 16, value: Uint8Array.of(8) }] },
    { first: 0x40 },
    { outerCode: 0x44 },
  ];
  return random.chance(0.6) ? all[random.below(3)] : all[random.below(all.length)];
}

for (const unit of [4, 16]) {
  test(`a day of commands, program units of ${unit} bytes`, () => {
    const { random, note } = seeded();
    withSeed(note, () => {
      const steps = [start(BLOB), ...traffic(random, 900)];
      const { native, outcomes } = bothCounted(steps, { unit });
      const { opened, marked, dropped, declined } = native.counts;
      const accepted = outcomes.filter((one) => one === "accepted").length;
      assert.ok(accepted > 200, `${accepted} accepted`);
      assert.ok(opened > 300 && marked > 200, JSON.stringify(native.counts));
      assert.ok(dropped > 50 && declined < 450, JSON.stringify(native.counts));
    });
  });

  test(`the log goes on in other sectors, program units of ${unit} bytes`, () => {
    const steps = [start(BLOB), ...heard()];
    for (let sequence = 1; sequence <= (unit === 4 ? 1100 : 600); sequence++) {
      const plain = sequence % 2 === 0 ? ON : OFF;
      const wish = { group: QUICK[sequence % 5], sender: SENDERS[0], sequence, plain };
      steps.push(send(wish), wait(2_100_000));
      if (sequence % 150 === 0) steps.push(start(BLOB));
    }
    const { native, reference, outcomes } = bothCounted(steps, { unit });
    const expected = 0.9 * (steps.length / 2 - 44);
    assert.ok(outcomes.filter((one) => one === "accepted").length > expected);
    assert.ok(native.counts.marked > expected, JSON.stringify(native.counts));
    assert.ok(reference.counts.operations > 1200, "not enough to fill a sector");
    assert.ok(native.counts.scanned > 20_000, `${native.counts.scanned} bytes of log`);
  });

  test(`power cuts at every operation of a command, program units of ${unit} bytes`, () => {
    const warm = [start(BLOB), ...heard(0, SENDERS.slice(0, 2)), wait(3_000_000)];
    const { file } = both(warm, { unit });
    const command = (sequence: number) =>
      send({ group: FIRST, sender: SENDERS[0], sequence, plain: sequence % 2 ? ON : OFF });
    const steps = [start(BLOB), ...[1, 2, 3, 4, 5].map(command), wait(3_000_000)];
    const { operations } = both(steps, { unit, from: file }).reference.counts;
    const after = [start(BLOB), ...[1, 2, 3, 4, 5, 6, 7, 40].map(command), wait(3_000_000)];
    let cuts = 0;
    for (let operation = Math.max(1, operations - 8); operation <= operations; operation++) {
      for (const mode of ["not", "torn", "done"]) {
        const fault = `${operation}:${mode}:${operation}`;
        const cut = both(steps, { unit, from: file, fault });
        assert.equal(cut.reference.status, 73);
        both([...after, start(BLOB), command(41)], { unit, from: cut.file });
        cuts++;
      }
    }
    assert.ok(cuts >= 24);
  });

  test(`flash that refuses, program units of ${unit} bytes`, () => {
    for (const ahead of [0, 1, 2]) {
      const steps: Step[] = [start(BLOB), ...heard(0, SENDERS.slice(0, 2)), wear(ahead)];
      for (let sequence = 1; sequence < 20; sequence++) {
        steps.push(send({ group: FIRST, sender: SENDERS[0], sequence }));
        if (sequence % 6 === 0) steps.push(wait(3_000_000), wear(sequence % 4));
      }
      const { outcomes, native } = both(steps, { unit });
      assert.ok(outcomes.includes("storeFailed"), "no write was refused");
      assert.ok(native.counts.marked > 5, JSON.stringify(native.counts));
    }
  });
}

interface Vector {
  readonly dst_addr?: string;
  readonly dst_port?: number;
  readonly input?: { readonly dst_addr: string; readonly dst_port: number };
  readonly datagram?: string;
  readonly output?: string;
}

for (const unit of [4, 16]) {
  test(`damaged flash, program units of ${unit} bytes`, () => {
    const { random, note } = seeded();
    withSeed(note, () => {
      const { file } = both([start(BLOB), ...traffic(random, 500)], { unit });
      const good = readFileSync(file);
      const after = [start(BLOB), ...heard(5000, SENDERS.slice(0, 1)), start(BLOB)];
      let refused = 0;
      for (let round = 0; round < 30; round++) {
        writeFileSync(file, damagedFlash(random, good));
        const { outcomes } = both(after, { unit, from: file });
        if (outcomes[0] === "refused:") refused++;
      }
      assert.ok(refused > 20, `${refused} of 30 damages found`);
    });
  });
}

/** A bit, some bytes, or the rest of a sector, where something was programmed. */
function damagedFlash(random: SeededRandom, good: Uint8Array): Uint8Array {
  const bytes = good.slice();
  for (let n = random.below(2); n >= 0; n--) {
    let at = random.below(65536);
    while (good[at] === 0xff && random.chance(0.9)) at = random.below(65536);
    const kind = random.below(4);
    if (kind < 2) bytes[at] ^= 1 << random.below(8);
    else if (kind === 2) bytes.fill(random.below(256), at, at + random.below(40));
    else bytes.fill(0xff, at, (at & ~4095) + 4096);
  }
  return bytes;
}

test("a partition beyond 256 KB, whose index has wider columns", () => {
  const { random, note } = seeded();
  withSeed(note, () => {
    const steps = [start(BLOB), ...traffic(random, 300)];
    const { native } = bothCounted(steps, { size: 524288 });
    assert.ok(native.counts.marked > 60, JSON.stringify(native.counts));
  });
});

test("a day on the 32-bit host", { skip: lacks("gcc-multilib") }, () => {
  make("m32");
  const { random, note } = seeded();
  withSeed(note, () => {
    const steps = [start(BLOB), ...traffic(random, 500)];
    const { native } = bothCounted(steps, { host: binary("m32"), unit: 16 });
    assert.ok(native.counts.marked > 100, JSON.stringify(native.counts));
  });
});

test("genuine under their key, odd in everything else", () => {
  const { random, note } = seeded();
  withSeed(note, () => {
    const steps = [start(BLOB), ...heard()];
    for (let sequence = 1; sequence <= 900; sequence++) steps.push(send(odd(random, sequence)));
    const { native, outcomes } = bothCounted(steps);
    const { opened, dropped } = native.counts;
    assert.ok(opened > 50 && dropped > 200, JSON.stringify(native.counts));
    assert.ok(outcomes.filter((one) => one === "accepted").length > 44 + 50);
  });
});

/** One or two things of a good command changed before it is sealed. */
function odd(random: SeededRandom, sequence: number): Wish {
  const pick = <T>(all: readonly T[]): T => all[random.below(all.length)];
  const bytes = (most: number) =>
    Array.from({ length: random.below(most + 1) }, () => pick([0, 1, 7, 17, 255]));
  const group = pick(QUICK);
  let wish: Wish = { group, sender: pick(SENDERS), sequence };
  const port = pick([group.port, 5683, 40, 7, 61616, 1]);
  const changes: readonly (() => Partial<Wish>)[] = [
    () => ({ sender: bytes(18) }),
    () => ({ piv: bytes(7) }),
    () => ({ keyId: bytes(10) }),
    () => ({ flags: random.below(32) << 3 }),
    () => ({ groupOption: bytes(6) }),
    () => ({ token: bytes(9) }),
    () => ({ tokenLength: random.below(16) }),
    () => ({ first: random.below(16) << 4 }),
    () => ({ outerCode: random.below(256) }),
    () => ({ to: { address: pick([UNICAST, UNICAST.slice(0, 4), ADDRESS]), port } }),
    () => ({ outside: [{ number: pick([9, 11, 12, 65001, 65535]), value: new Uint8Array(2) }] }),
    () => ({ plain: [...bytes(3), ...ON, ...bytes(130)] }),
    () => ({ plain: [...ON.slice(0, random.below(ON.length))] }),
    () => ({}),
  ];
  for (let n = random.below(3); n > 0; n--) wish = { ...wish, ...pick(changes)() };
  return wish;
}

test("the vectors, genuine and not", () => {
  const file = JSON.parse(readFileSync(join(ROOT, "test/vectors/lowlatency.json"), "utf8"));
  const groups: Group[] = Object.entries(file.context.main.associations).map(([id, keys], i) => ({
    id: Number(id),
    security: i + 1,
    port: i === 0 ? 61616 : 5683,
    keys: (keys as { key_id: string; key: string }[])
      .map(({ key_id, key }) => ({ id: bytesOf(key_id), fill: fromHex(key)[0] }))
      .sort((a, b) => a.id.length - b.id.length || a.id[0] - b.id[0]),
  }));
  const senders = Object.values(file.context.main.devices as Record<string, string>).map(bytesOf);
  const rights = senders.map((sender) => [Uint8Array.from(sender), 1, 2] as const);
  const blob = provisioning({ own: [0x22], groups, rights });
  const one = groups.find(({ id }) => id === 1) as Group;
  const steps = [
    start(blob),
    ...senders.map((sender) => send({ group: one, sender, sequence: 0 })),
  ];
  const vectors: Vector[] = [...file.cases, ...file.negative];
  // The other way round, too: what is too old for the window in one order is not in the other.
  for (const vector of [...vectors, ...[...vectors].reverse()]) {
    const { dst_addr, dst_port } = vector.input ?? vector;
    const to = { address: fromHex(dst_addr ?? ""), port: dst_port ?? 0 };
    steps.push(arrive(fromHex(vector.datagram ?? vector.output ?? ""), to));
  }
  const { native, outcomes } = bothCounted(steps);
  const { opened, dropped } = native.counts;
  // There is no /light on this lamp.
  assert.ok(outcomes.filter((outcome) => outcome === "unsupported").length >= 15, outcomes.join());
  assert.ok(opened >= 10 && dropped >= 100, JSON.stringify(native.counts));
});

function bytesOf(decimal: string): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt(decimal); rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn));
  return bytes.length === 0 ? [0] : bytes;
}

/** Datagrams to damage: ids of one byte and of eight, a number of one byte and of five. */
function genuine(): { bytes: Uint8Array; to: Place }[] {
  const wishes: Wish[] = [
    { group: FIRST, sender: SENDERS[0], sequence: 9 },
    { group: LAST, sender: SENDERS.at(-1) as number[], sequence: 2 ** 40 - 9 },
    { group: ZERO, sender: SENDERS[7], sequence: 70_000, plain: [1, 0xb1, 0x6c] },
  ];
  return wishes.map((wish) => ({ bytes: craft(wish), to: placeOf(wish.group) }));
}

test("cut at every byte, and every bit flipped", () => {
  const steps = [start(BLOB), ...heard()];
  for (const { bytes, to } of genuine()) {
    for (let end = 0; end < bytes.length; end++) steps.push(arrive(bytes.slice(0, end), to));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      // The message id is not protected: the first with another one would use up the number.
      if (bit >> 3 === 2 || bit >> 3 === 3) continue;
      const flipped = bytes.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      steps.push(arrive(flipped, to));
    }
  }
  const { native, outcomes } = bothCounted(steps);
  assert.ok(!outcomes.slice(45).includes("accepted"));
  assert.ok(native.counts.dropped > 0.7 * (steps.length - 45), JSON.stringify(native.counts));
});

test("random damage", () => {
  const { random, note } = seeded();
  withSeed(note, () => {
    const steps = [start(BLOB), ...heard()];
    for (let round = 0; round < 1200; round++) {
      const { bytes, to } = genuine()[random.below(3)];
      steps.push(arrive(damaged(random, bytes), random.chance(0.9) ? to : placeOf(FIRST)));
    }
    const { native } = bothCounted(steps);
    assert.ok(native.counts.dropped > 600, JSON.stringify(native.counts));
  });
});

/** A few bytes changed, put in, taken out, or the whole replaced. */
function damaged(random: SeededRandom, good: Uint8Array): Uint8Array {
  let bytes = [...good];
  if (random.chance(0.05)) bytes = bytes.map(() => random.below(256));
  for (let n = random.below(4); n >= 0; n--) {
    const at = random.below(bytes.length);
    const value = random.chance(0.3) ? bytes[random.below(bytes.length)] : random.below(256);
    const kind = random.below(4);
    if (kind < 2) bytes[at] = value;
    else if (kind === 2) bytes.splice(at, 0, value);
    else if (bytes.length > 1) bytes.splice(at, 1 + random.below(3));
    if (bytes.length === 0) bytes.push(value);
  }
  return Uint8Array.from(bytes);
}

test("numbers at the ends of 31, 32 and 40 bits, and the window's edges", () => {
  const steps = [start(BLOB), ...heard(0, SENDERS.slice(0, 3))];
  for (const top of [200, 2 ** 31 + 70, 2 ** 32 + 70, 2 ** 40 - 1]) {
    for (const below of [140, 100, 70, 69, 71, 40, 39, 32, 31, 8, 1, 0, 0, 1, 63, 64, 65, 33, 95]) {
      for (const group of [FIRST, ZERO]) {
        steps.push(send({ group, sender: SENDERS[0], sequence: top - below }));
      }
    }
  }
  // A bound that ran ahead of the last number there is, and a restart on it.
  steps.push(start(BLOB), send({ group: FIRST, sender: SENDERS[0], sequence: 2 ** 40 - 1 }));
  const { outcomes, native } = bothCounted(steps);
  assert.ok(outcomes.filter((one) => one === "accepted").length > 60, outcomes.join());
  assert.ok(native.counts.marked > 60, JSON.stringify(native.counts));
});

test("a switch and sensors hear what their group is told", () => {
  for (const role of [ROLE.SWITCH, ROLE.PRESENCE, ROLE.DAYLIGHT]) {
    const blob = provisioning({ own: [0x80], role, groups: GROUPS, rights: RIGHTS });
    const { random, note } = seeded();
    withSeed(note, () => {
      const { native } = bothCounted([start(blob), ...heard(), ...traffic(random, 150)]);
      assert.ok(native.counts.opened > 50, `role ${role}: ${JSON.stringify(native.counts)}`);
    });
  }
});

test("keys that are replaced", () => {
  const steps = [start(BLOB), ...heard(0, SENDERS.slice(0, 3))];
  const say = (keyId: number, fill: number, sequence: number, plain = ON) =>
    send({ group: FIRST, sender: SENDERS[0], sequence, keyId: [keyId], fill, plain });
  steps.push(say(7, 0xa1, 1), install(1, 8, 0x88), say(7, 0xa1, 2), say(8, 0x88, 3));
  steps.push(say(7, 0xa1, 4, OFF), say(8, 0x88, 9, OFF), say(7, 0xa1, 5), start(BLOB));
  steps.push(say(8, 0x88, 10), say(7, 0xa1, 11, OFF), wait(2_000_000_000));
  for (let i = 0; i < 22; i++) steps.push(wait(2_000_000_000));
  steps.push(say(7, 0xa1, 12), say(8, 0x88, 13, OFF), say(8, 0x88, 14), say(7, 0xa1, 15));
  for (let i = 0; i < 45; i++) steps.push(send({ group: COUNTED, sender: [0x11], sequence: i }));
  const { outcomes, native } = bothCounted(steps);
  assert.equal(outcomes.at(-46), "unknownKey", "the old key is gone");
  assert.ok(outcomes.includes("outOfOrder") && outcomes.includes("expired"), outcomes.join());
  assert.ok(native.counts.marked >= 2, JSON.stringify(native.counts));
});

test("our own message, reflected, where another had this id before", () => {
  const groups = GROUPS;
  const own = SENDERS[0];
  const again = provisioning({ own, groups, rights: RIGHTS });
  const wish = { group: FIRST, sender: own, sequence: 7 };
  const nonsense = { ...wish, sequence: 8, plain: [2, 0xf1] };
  const steps = [start(BLOB), ...heard(0, [own]), send({ ...wish, sequence: 5 }), start(again)];
  const { outcomes } = bothCounted([...steps, send(wish), send(nonsense), send(wish)]);
  assert.deepEqual(outcomes.slice(-3), ["replayed", "malformed", "replayed"]);
});

test("buffers of wrong sizes are declined or refused", () => {
  const wish = { group: FIRST, sender: SENDERS[0], sequence: 5 };
  const steps = [start(BLOB), ...heard(), hostile(craft(wish), placeOf(FIRST)), send(wish)];
  const { outcomes } = bothCounted(steps);
  assert.deepEqual(outcomes.slice(-2), ["hostile", "accepted"]);
});
