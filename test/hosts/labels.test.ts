/** `lumicast labels`: records for a factory, a list, and a sheet that a camera can read. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { factoryIn } from "../../modules/commission/factory.js";
import { labelCode, labelText, parseLabel } from "../../modules/commission/label.js";
import { Desk } from "../support/lumicast.js";
import { decoded, drawn } from "../support/qr.js";

const desk = new Desk();
const crypto = new NodeCrypto();
after(() => desk.remove());

/** What a camera sees of each label, and the typed code beside it. */
function seenOn(sheet: string): { scanned: string | undefined; typed: string }[] {
  return [...sheet.matchAll(/<figure>(.*?)<\/figure>/gs)].map(([, figure]) => {
    const [, side] = /viewBox="0 0 (\d+) /.exec(figure) ?? [];
    const [, path] = /<path d="([^"]+)"/.exec(figure) ?? [];
    const [, code] = /<code>(.*?)<\/code>/.exec(figure) ?? [];
    const { rgba, width } = drawn(path, Number(side));
    return { scanned: decoded(rgba, width), typed: code.replace("<br>", "-") };
  });
}

test("made by the factory: what is in devices is on their labels, and nowhere else", async () => {
  const folder = desk.path("batch");
  const words = ["--role", "switch", "--first", "02000000000000A0", "--trust-presses"];
  const { code, out, err } = await desk.run("labels", "make", "3", folder, ...words);
  assert.equal(code, 0, err);
  const files = readdirSync(folder);
  assert.deepEqual(files.sort(), [
    ...["02000000000000a0.cbor", "02000000000000a1.cbor", "02000000000000a2.cbor"],
    ...["labels.html", "labels.txt"],
  ]);
  const seen = seenOn(readFileSync(`${folder}/labels.html`, "utf8"));
  const keys = new Set<string>();
  for (const [at, { scanned, typed }] of seen.entries()) {
    const blob = new Uint8Array(readFileSync(`${folder}/02000000000000a${at}.cbor`));
    const factory = factoryIn(blob);
    const { eui64, label, role, n, trustOnPress, rawKey } = factory ?? assert.fail("no record");
    assert.deepEqual([role, n, trustOnPress], [2, 0, true]);
    assert.equal(scanned, labelText(crypto, eui64, label!).toUpperCase());
    assert.equal(typed, labelCode(crypto, label!));
    const read = parseLabel(crypto, scanned);
    assert.ok(read.ok && read.eui64 === `02000000000000a${at}`);
    assert.deepEqual(read.printed, label);
    keys.add(Buffer.from(rawKey!).toString("hex"));
    const secrets = [typed, typed.replaceAll("-", ""), Buffer.from(label!).toString("hex")];
    for (const secret of secrets) assert.ok(!(out + err).includes(secret), "said by nobody");
  }
  assert.equal(keys.size, 3);
  for (const file of files) {
    assert.equal(statSync(`${folder}/${file}`).mode & 0o777, 0o600, file);
  }
  const again = await desk.run("labels", "make", "1", folder);
  assert.equal(again.code, 1);
  assert.match(again.err, /there is a .*labels\.txt already/);
});

test("a sheet of a list that somebody has written names in", async () => {
  const folder = desk.path("named");
  await desk.json("labels", "make", "1", folder);
  const list = readFileSync(`${folder}/labels.txt`, "utf8").trimEnd();
  const path = desk.secret("named.txt", `${list} <desk>&1\n\n# the end\n`);
  const sheet = desk.path("sheet.html");
  const { devices } = await desk.json<{ devices: { name: string; role: string }[] }>(
    ...["labels", path, sheet],
  );
  assert.deepEqual(
    devices.map(({ name, role }) => [name, role]),
    [["<desk>&1", "luminaire"]],
  );
  const html = readFileSync(sheet, "utf8");
  assert.match(html, /<b>&lt;desk>&amp;1, luminaire<\/b>/);
  assert.equal(statSync(sheet).mode & 0o777, 0o600);
  assert.ok(seenOn(html)[0].scanned?.startsWith("LUMICAST:1:"));
  assert.equal((await desk.run("labels", path, sheet)).code, 1, "nothing is written over");
});

test("lists that are none are told by their line, without what stands there", async () => {
  const sheet = desk.path("none.html");
  const refused = async (name: string, content: string) => {
    const path = desk.secret(name, content);
    const { code, err } = await desk.run("labels", path, sheet);
    assert.equal(code, 1);
    return err;
  };
  const typed = "0".repeat(26);
  const wrong = await refused("wrong.txt", `# one\nLUMICAST:1:02000000000000A0:${typed}ZZ\n`);
  assert.match(wrong, /wrong\.txt, line 2: a character is wrong/);
  assert.ok(!wrong.includes(typed));
  const bare = labelCode(crypto, new Uint8Array(16));
  assert.match(await refused("bare.txt", bare), /line 1: it does not say whose label it is/);
  writeFileSync(desk.path("open.txt"), "", { mode: 0o644 });
  assert.equal((await desk.run("labels", desk.path("open.txt"), sheet)).code, 1);
  assert.match((await desk.run("labels", desk.path("gone.txt"), sheet)).err, /there is no/);
});

test("command lines that cannot be used", async () => {
  for (const words of [
    ["make", "0", "x"],
    ["make", "1001", "x"],
    ["make", "1", "x", "--role", "lamp"],
    ["make", "1", "x", "--first", "12"],
    ["make", "1"],
    ["list.txt"],
  ]) {
    assert.equal((await desk.run("labels", ...words)).code, 2, words.join(" "));
  }
});
