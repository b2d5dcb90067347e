/** `npm run compare`: overheads byte by byte, frames, and what README.md says of them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rawFrames } from "../../hosts/compare/air.js";
import { anatomyOf, total } from "../../hosts/compare/anatomy.js";
import {
  COMMAND_NAMES,
  destinationOf,
  protectedBy,
  unprotected,
} from "../../hosts/compare/command.js";
import { deviations, FIGURES, LIMITS } from "../../hosts/compare/figures.js";
import { withPart } from "../../hosts/compare/readme.js";
import { rebootsOf } from "../../hosts/compare/reboot.js";
import { exitCodeOf, type Report } from "../../hosts/compare/report.js";
import { tableOf } from "../../hosts/compare/table.js";
import { receiverOf, senderOf, VARIANTS } from "../../hosts/compare/variants.js";
import { type Wire, wireOf } from "../../hosts/compare/wire.js";
import { PROFILES } from "../../hosts/installation/types.js";
import { ROOT } from "../../hosts/root.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";

const wires = new Map(VARIANTS.map((variant) => [variant.name, wireOf(variant)]));
const wire = (name: string): Wire => wires.get(name) ?? assert.fail(`no ${name}`);
const USAGE = 2;

function compared(...args: string[]) {
  const program = join(ROOT, "build/node/hosts/compare/main.js");
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
}

test("every profile is compared, and each has figures", () => {
  const names = new Set(VARIANTS.map(({ profile }) => profile.name));
  assert.deepEqual([...names].sort(), [...PROFILES].sort());
  for (const { name } of VARIANTS) assert.ok(FIGURES[name] && LIMITS[name], name);
  const installed = VARIANTS.filter((one) => one.installed).map(({ profile }) => profile.name);
  assert.deepEqual(installed.sort(), [...PROFILES].sort());
});

/** Issue 4, "Must reach"; of -02 and -04 as their documents add up. Not taken from FIGURES. */
test("what security adds", () => {
  assert.ok(wire("lowlatency").overheadBytes <= 22);
  assert.equal(wire("group-oscore alg 10").overheadBytes, 82);
  assert.equal(wire("group-oscore alg 30").overheadBytes, 90);
  assert.equal(wire("group-oscore-02").overheadBytes, 2 + 1 + 1 + 1 + 3 + 64 + 1 + 1 + 1 + 8);
  assert.equal(wire("multicast-oscore-04").overheadBytes, 83);
  assert.equal(wire("dtls-record CCM").overheadBytes, 13 + 8 + 8);
  assert.equal(wire("dtls-record NULL").overheadBytes, 13 + 32);
  assert.equal(wire("oscore").overheadBytes, 14);
});

for (const { name } of VARIANTS) {
  test(`${name}: every part has its document's length, in both commands`, () => {
    const { deviations: wrong, breakdown, overheadBytes, commands } = wire(name);
    assert.deepEqual(wrong, []);
    assert.equal(total(breakdown), overheadBytes);
    for (const { protectedBytes, unprotectedBytes } of Object.values(commands)) {
      assert.equal(protectedBytes - unprotectedBytes, overheadBytes);
    }
  });
}

test("a scene with a fade takes one frame where nothing is signed, and two otherwise", () => {
  for (const { name, provenBy, commands } of wires.values()) {
    const { frames } = commands.full;
    assert.equal(frames.length, provenBy === "member" ? 2 : 1, name);
    for (const bytes of frames) assert.ok(bytes <= 127, `${name}: a frame of ${bytes} bytes`);
  }
});

test("what goes to the group has the MPL option, what goes to one lamp has not", () => {
  const crypto = new TsCrypto(new NobleSignatures());
  for (const variant of VARIANTS) {
    const parties = { sender: senderOf(variant, crypto), receiver: receiverOf(variant, crypto) };
    const bytes = protectedBy(variant, crypto, parties, { name: "full", sequence: 1 });
    const [first] = rawFrames(bytes, destinationOf(variant));
    // RFC 6282 §4.2, RFC 7731 §6.1: hop-by-hop header of 4 bytes, option type 0x6d.
    const hasMpl = Buffer.from(first).includes(Buffer.from("e1046d02", "hex"));
    assert.equal(hasMpl, !wire(variant.name).unicast, variant.name);
  }
});

test("who can be told from whom, and what is read on the way", () => {
  const told = (name: string) => {
    const { provenBy, readable } = wire(name);
    return [provenBy, readable.code, readable.content];
  };
  assert.deepEqual(told("lowlatency"), ["group", false, false]);
  assert.deepEqual(told("oscoap-00"), ["member", true, false]);
  assert.deepEqual(told("group-oscore-02"), ["member", false, false]);
  assert.deepEqual(told("dtls-record CCM"), ["group", false, false]);
  assert.deepEqual(told("dtls-record NULL"), ["group", true, true]);
  assert.deepEqual(told("group-oscore alg 30"), ["member", false, false]);
  assert.deepEqual(told("oscore"), ["pair", false, false]);
  assert.ok(wire("group-oscore-02").readable.also.includes("signature"));
  assert.ok(!wire("group-oscore alg 30").readable.also.includes("signature"));
});

test("a byte too many, or in another part, is said and makes the command fail", () => {
  const { name, breakdown } = wire("lowlatency");
  const longer = breakdown.map((part) => (part.name === "tag" ? { ...part, bytes: 9 } : part));
  const wrong = deviations(name, longer);
  assert.deepEqual(wrong, [
    "lowlatency: tag takes 9 bytes, its document says 8",
    "lowlatency: security adds 23 bytes, the limit is 22",
  ]);
  const renamed = breakdown.map((part) => (part.name === "s" ? { ...part, name: "salt" } : part));
  assert.equal(deviations(name, renamed).length, 2);
  assert.equal(exitCodeOf({ deviations: wrong } as unknown as Report), 1);
  assert.equal(exitCodeOf({ deviations: [] } as unknown as Report), 0);
});

test("a datagram of another profile is none of its own", () => {
  const [lowlatency, oscoap] = VARIANTS;
  const crypto = new TsCrypto(new NobleSignatures());
  const parties = {
    sender: senderOf(lowlatency, crypto),
    receiver: receiverOf(lowlatency, crypto),
  };
  const bytes = protectedBy(lowlatency, crypto, parties, { name: "level", sequence: 1 });
  assert.throws(() => anatomyOf(oscoap, bytes, unprotected("level")), /oscoap-00: not its object/);
});

for (const profile of PROFILES) {
  test(`${profile}: no restart lets a recording through`, () => {
    for (const { policy, replay, first, obeyed, exchanged, sender } of rebootsOf(profile)) {
      assert.equal(replay, "replayed", policy);
      assert.equal(sender, "accepted", policy);
      assert.equal(first, policy === "best-effort" ? "accepted" : "notSynchronised", policy);
      if (policy === "best-effort") assert.ok(obeyed);
      if (policy === "baseline") assert.ok(!obeyed);
      assert.equal(exchanged.length, policy === "challenge" ? 3 : 1, policy);
    }
  });
}

test("every profile says in its head where it leaves its document, and why", () => {
  for (const profile of PROFILES) {
    const text = readFileSync(join(ROOT, `modules/profiles/${profile}.ts`), "utf8");
    const head = text.slice(0, text.indexOf("*/"));
    assert.match(head, /^ \* .*deviations/im, profile);
    assert.match(head, /^ \* - /m, profile);
  }
});

test("the command line", () => {
  const help = compared("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^usage: npm run compare/);
  for (const args of [["--profile", "nosuch"], ["--nosuch"], ["stray"]]) {
    const { status, stdout, stderr } = compared(...args);
    assert.equal(status, USAGE, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, /usage: npm run compare/);
  }
});

test("README.md's part is put there by the command, and nothing else is touched", () => {
  const before = "a\n<!-- npm run compare -- --readme -->\nold\n<!-- end of it -->\nb\n";
  const after = "a\n<!-- npm run compare -- --readme -->\n\nnew\n\n<!-- end of it -->\nb\n";
  assert.equal(withPart(before, "new"), after);
  assert.equal(withPart(after, "new"), after);
  assert.throws(() => withPart("nothing", "new"), /no place/);
});

test("README.md has the table as the command prints it: bytes, frames, proof", () => {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  const rows = [...wires.values()].map((one) => ({ ...one, standing: "", document: "" }));
  const report = { rows } as unknown as Report;
  const cells = (line: string) => line.split("|").map((cell) => cell.trim());
  const lines = text.split("\n").map(cells);
  const wanted = ["", "bytes that security adds", "its 802.15.4 frames", "proves the sender to be"];
  const produced = tableOf(report).split("\n").map(cells);
  for (const label of wanted) {
    const row = produced.find((one) => one[1] === label) ?? assert.fail(label);
    assert.ok(
      lines.some((line) => line.join() === row.join()),
      `README.md lacks ${row.join(" | ")}; say npm run compare -- --readme`,
    );
  }
  assert.equal(COMMAND_NAMES.length, 2);
});
