/**
 * Two luminaires on the headless host, one with native help on the receive path and one without:
 * the same script for both, and everything that can be seen of them compared.
 *
 * LUMICAST_HOST names another host to run: test/mutants gives one that lacks a check.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ADDRESS,
  arrive,
  craft,
  type Group,
  type Place,
  provisioning,
  type Step,
  type Wish,
} from "./intake-steps.js";
import { binary, image, make, scratch } from "./lumicast.js";

const HOST = process.env.LUMICAST_HOST ?? binary("release");
const folder = scratch();
let program = "";
let files = 0;

/** Builds the host and the program; before the first test. */
export async function prepare(): Promise<void> {
  if (process.env.LUMICAST_HOST === undefined) make("release");
  program = await image(folder, "test/headless/intake-device.ts", "release");
}

// What the lamp is a member of: two groups of one key, ids of 1, 4 and 8 bytes, ports of each form
// in CBOR, a group with two keys, one whose key runs out, one without a key.
export const FIRST: Group = { id: 1, security: 1, port: 5683, keys: [{ id: [7], fill: 0xa1 }] };
const SECOND: Group = { ...FIRST, id: 2 };
export const WIDE: Group = {
  id: 768,
  security: 2,
  port: 61616,
  keys: [{ id: [1, 0, 0, 0], fill: 0xb2 }],
};
export const ZERO: Group = { id: 0, security: 3, port: 40, keys: [{ id: [0], fill: 0xc3 }] };
export const LAST: Group = {
  ...{ id: 0xffffffff, security: 4, port: 7 },
  keys: [{ id: [0xff, 2, 3, 4, 5, 6, 7, 8], fill: 0xd4 }],
};
const REKEYED: Group = {
  ...{ id: 9, security: 5, port: 5683 },
  keys: [
    { id: [5], fill: 0xe4 },
    { id: [6], fill: 0xe5 },
  ],
};
export const COUNTED: Group = {
  ...{ id: 10, security: 6, port: 5683 },
  keys: [{ id: [3], fill: 0xf6, messages: 40 }],
};
const KEYLESS: Group = { id: 11, security: 7, port: 5683, keys: [] };
export const GROUPS = [FIRST, SECOND, WIDE, ZERO, LAST, REKEYED, COUNTED, KEYLESS];
export const QUICK = [FIRST, SECOND, WIDE, ZERO, LAST];

const OWN = [0x05];
export const SENDERS: readonly (readonly number[])[] = [
  ...[[0x11], [0x22], [0], [0x01, 0x00], [0x80, 0, 0], [0x7f, 0xff, 0xff, 0xff]],
  ...[
    [0x80, 0, 0, 0],
    [1, 0, 0, 0, 0x11],
    [9, 8, 7, 6, 5, 4],
    [1, 2, 3, 4, 5, 6, 7],
  ],
  [0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10],
];
/** Level 2 but for two senders; and one right over the device itself. */
export const RIGHTS = [
  ...SENDERS.flatMap((sender, i) =>
    [1, 768, 0, 0xffffffff, 9].map((group) => {
      const level = i === 1 ? 1 : i === 2 ? 0 : 2;
      return [Uint8Array.from(sender), group, level] as const;
    }),
  ),
  [Uint8Array.of(0x11), 2, 2] as const,
  [Uint8Array.of(0x11), null, 5] as const,
];
export const BLOB = provisioning({ own: OWN, groups: GROUPS, rights: RIGHTS });

interface Run {
  readonly status: number | null;
  readonly stderr: string;
  readonly lines: readonly string[];
  readonly counts: Record<string, number>;
  readonly flash: Buffer;
}

interface Wanted {
  readonly unit?: number;
  readonly fault?: string | undefined;
  /** A flash file to begin with. */
  readonly from?: string | undefined;
  /** Bytes of flash; 64 KB unless named. */
  readonly size?: number;
  /** With the schemes that have a key for each member. */
  readonly schemes?: boolean;
  /** Another build of the host. */
  readonly host?: string;
}

function run(isNative: boolean, steps: readonly Step[], file: string, wanted: Wanted): Run {
  const script = join(folder, `script${isNative ? 1 : 0}`);
  const kind = (isNative ? 1 : 0) + (wanted.schemes === true ? 2 : 0);
  writeFileSync(script, Buffer.concat([Uint8Array.of(kind), ...steps]));
  const args = ["test", program, "--provision", script, "--flash", file];
  args.push("--program", String(wanted.unit ?? 4));
  args.push("--flash-size", String(wanted.size ?? 65536));
  if (wanted.fault !== undefined) args.push("--fault", wanted.fault);
  const options = { encoding: "utf8", timeout: 120_000, maxBuffer: 1 << 26 } as const;
  const { status, stdout, stderr } = spawnSync(wanted.host ?? HOST, args, options);
  const all = stdout.trim().split("\n");
  const counts = all.find((line) => line.startsWith("# "));
  return {
    ...{ status, stderr, flash: readFileSync(file) },
    lines: all.filter((line) => !line.startsWith("# ")),
    counts: counts === undefined ? {} : JSON.parse(counts.slice(2)),
  };
}

/** A new flash file, or a copy of one. */
function newFile(from?: string): string {
  const file = join(folder, `flash${files++}`);
  if (from !== undefined) copyFileSync(from, file);
  return file;
}

interface Both {
  readonly native: Run;
  readonly reference: Run;
  /** What became of each step. */
  readonly outcomes: readonly string[];
  readonly file: string;
}

/** Runs both; everything a test may ask of native help is asked here. */
export function both(steps: readonly Step[], wanted: Wanted = {}): Both {
  const [file, other] = [newFile(wanted.from), newFile(wanted.from)];
  const native = run(true, steps, file, wanted);
  const reference = run(false, steps, other, wanted);
  for (let i = 0; i < reference.lines.length; i++) {
    assert.equal(
      native.lines[i],
      reference.lines[i],
      `step ${i}, native help on the left ${native.stderr}`,
    );
  }
  assert.equal(native.stderr, reference.stderr);
  assert.equal(native.status, reference.status, native.lines.at(-1));
  assert.equal(native.lines.length, reference.lines.length);
  assert.ok(native.flash.equals(reference.flash), "the flash files differ");
  if (wanted.fault === undefined) {
    assert.equal(reference.status, 0, reference.stderr);
    assert.equal(reference.lines.length, steps.length);
  }
  const outcomes = reference.lines.map((line) => line.split(" ")[1]);
  return { native, reference, outcomes, file };
}

/** As `both`; and native help has used exactly as many flash operations as the reference. */
export function bothCounted(steps: readonly Step[], wanted: Wanted = {}): Both {
  const done = both(steps, wanted);
  const { operations } = done.reference.counts;
  const again = (fault: string) => run(true, steps, newFile(wanted.from), { ...wanted, fault });
  assert.equal(again(`${operations}:done:0`).status, 73, "fewer operations than the reference");
  assert.equal(again(`${operations + 1}:not:0`).status, 0, "more operations than the reference");
  return done;
}

export function placeOf(group: Group): Place {
  return { address: ADDRESS, port: group.port };
}

/** A genuine datagram on its way. */
export function send(wish: Wish): Step {
  return arrive(craft(wish), wish.to ?? placeOf(wish.group));
}

/** Every sender heard once by every group that native help opens. */
export function heard(sequence = 0, senders = SENDERS): Step[] {
  return [FIRST, WIDE, ZERO, LAST].flatMap((group) =>
    senders.map((sender) => send({ group, sender, sequence })),
  );
}
