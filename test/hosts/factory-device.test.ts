/** The firmware as it is sold, with a key of its own, at an authority that runs. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { provisioningOf, readSender } from "../../hosts/sender/file.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { ROLE } from "../../modules/device/provision.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { HOST, Program, stopPrograms } from "../interop/programs.js";
import { keyPair } from "../support/certificates.js";
import { Desk, euiOf, shipped } from "../support/lumicast.js";
import { Programs } from "../support/running.js";

const desk = new Desk();
const programs = new Programs();
const test = testOnLan();
const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const LIBRARIES = `${ROOT}/build/headless/signatures`;
const lacksP256 =
  existsSync(LIBRARIES) && readFileSync(LIBRARIES, "utf8").includes("mbedtls")
    ? false
    : "libmbedtls-dev is missing";
const state = ["--state", desk.path("hall")];
let lan: Lan;

before(async () => {
  if (lacksLan === false) lan = await Lan.start(2);
});
after(() => {
  stopPrograms();
  lan?.stop();
  desk.remove();
});

test("a lamp with a raw key gets its keys, by P-256 in C", { skip: lacksP256 }, async () => {
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("device", "add", "--from", desk.secret("lamps.json", shipped(1)), ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::4c:1", ...state);
  await desk.json("group", "add", "hall", "lamp-1", "--role", "receiver", ...state);
  const at = ["--at", `[${lan.computer(1).address}]:5684`];
  const path = desk.path("lamp.json");
  await desk.json("sender", "lamp-1", path, ...at, ...state);
  // From here on it is known by a key of its own.
  const point = toHex(keyPair(1).publicKey);
  const again = ["device", "add", euiOf(1), "--name", "lamp-1", "--raw-key", point];
  await desk.json(...again, ...state);
  const { channel } = await desk.json<{ channel: string }>("authority", "show", ...state);
  const told = readSender(path);
  const decoded = decode(provisioningOf(told, { role: ROLE.LUMINAIRE, groups: told.groups }), {
    depthMax: 8,
    itemsMax: 1024,
  });
  assert.ok(decoded.ok && decoded.value instanceof Map);
  const part = decoded.value.get(21) as Map<Cbor, Cbor>;
  part.delete(4);
  part.delete(5);
  part.set(11, new Uint8Array(32).fill(1)).set(14, fromHex(channel));
  const blob = desk.path("lamp.cbor");
  writeFileSync(blob, encode(decoded.value));
  await programs.start(state, "[::]:5684", lan.computer(1).command);
  const files = ["--provision", blob, "--flash", desk.path("lamp.flash")];
  const more = ["--eui64", euiOf(1), "--port", "5684"];
  const program = new Program(lan.computer(2).command, HOST, "run", PRODUCT, ...files, ...more);
  await program.line(/keys: resting/);
  assert.ok(!program.lines.some((line) => line.includes("refused")), program.lines.join("\n"));
});
