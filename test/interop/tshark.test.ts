/**
 * What Wireshark reads on a network where our devices talk: plain CoAP, RFC 8613 which it decrypts
 * with the keys, records of DTLS. (Of 6LoWPAN: lowpan.test.ts, and each scheme's capture of `npm
 * start` in test/simulation/profiles.test.ts.)
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { generate } from "../../hosts/installation/generate.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";
import { captured as capturedIn, faultless, fields, pause } from "./capture.js";
import { type Lan, testOnLan } from "./lan.js";
import { ask, client, device, Folder, headless, hexOf, lanAround, testImage } from "./programs.js";
import {
  eui64Of,
  PAIR_SALT,
  PAIR_SECRET,
  pairGroup,
  provisioningOf,
  recordGroup,
  type SecurityGroup,
} from "./world.js";

const LAMP = 1;
const OTHER = 2;
const GROUP = "ff15::4c:2";
const skip = lacks("tshark");
const test = testOnLan();

const folder = new Folder();
let lan: Lan;

lanAround({ computers: 2, folder, skip }, (made) => {
  lan = made;
});

/** Captures while `talk` lasts; the file. */
function captured(name: string, talk: () => Promise<void>): Promise<string> {
  return capturedIn(lan, folder.file(`${name}.pcapng`), talk);
}

test("plain CoAP: get, put, observe and blocks, nothing malformed", { skip }, async () => {
  const room = generate({ luminaires: 1, switches: 1, sensors: 0, hops: 1, loss: 0, seed: 4 });
  const [{ name, eui64 }] = room.devices;
  const blob = provisioning(room, room.devices[0]);
  const image = testImage("insecure");
  const { command } = lan.computer(LAMP);
  const lamp = await headless(command, image, { name, eui64, blob }, folder);
  const body = hexOf("0123456789".repeat(50));
  const path = await captured("plain", async () => {
    const program = join(ROOT, "build/node/test/interop/peers/npm-coap.js");
    const words = [process.execPath, program, lan.address(LAMP)];
    await client(lan.computer(OTHER).command, words, [
      { method: "GET", path: "/.well-known/core" },
      { method: "PUT", path: "/3311/0/5850", payload: hexOf("1") },
      { method: "GET", path: "/3311/0/5850", observe: 1 },
      { method: "PUT", path: "/store", payload: body },
      { method: "GET", path: "/store" },
    ]);
  });
  lamp.stop();
  faultless(path);
  const codes = fields(path, ["coap.code"]).map(([code]) => code);
  for (const code of ["1", "3", "68", "69"]) assert.ok(codes.includes(code), `code ${code}`);
  const blocks = fields(path, ["coap.opt.block_number"], "-Y", "coap.opt.block_number");
  assert.ok(blocks.length >= 3, `${blocks.length} messages with blocks`);
});

/** Our client's and our luminaire's context, as Wireshark is told it. */
const CONTEXT = ["02", "01", PAIR_SECRET, PAIR_SALT, "", "AES-CCM-16-64-128 (CCM*)"];
const DECRYPT = ["-o", `uat:oscore_contexts:${CONTEXT.map((word) => `"${word}"`).join(",")}`];

test("RFC 8613: Wireshark decrypts requests, answers, blocks and notifications", {
  skip,
}, async () => {
  const lampBlob = provisioningOf({
    number: LAMP,
    role: "luminaire",
    securities: [pairGroup(1, { own: "01", peer: "02" })],
    appGroups: [[1, 1, lan.address(OTHER)]],
    rights: [["02", null, 3]],
  });
  const blob = provisioningOf({
    number: OTHER,
    role: "switch",
    securities: [pairGroup(1, { own: "02", peer: "01" })],
    appGroups: [[1, 1, lan.address(LAMP)]],
    rights: [],
    target: 1,
  });
  const ours = { name: "lamp", eui64: eui64Of(LAMP), blob: lampBlob };
  const lamp = await device("XS", lan.computer(LAMP).command, ours, folder);
  const us = { name: "client", eui64: eui64Of(OTHER), blob };
  const path = await captured("oscore", async () => {
    await ask("XS", lan.computer(OTHER).command, us, folder, [
      { method: "PUT", path: "/3311/0/5850", payload: hexOf("1") },
      { method: "GET", path: "/.well-known/core", szx: 2 },
      { method: "GET", path: "/3311/0/5850", observe: 1 },
      { method: "PUT", path: "/3311/0/5850", payload: hexOf("0") },
    ]);
    // The notification that nobody waits for any more.
    await pause(1000);
  });
  lamp.stop();
  faultless(path, ...DECRYPT);
  const inside = ["oscore.code", "oscore.opt.uri_path", "oscore.opt.block_number"];
  const lines = fields(path, [...inside, "coap.opt.observe", "oscore.tag"], ...DECRYPT);
  assert.deepEqual(
    lines.map(([code, uri, block]) => [code, uri, block].join(" ").trim()),
    [
      "3 3311,0,5850",
      "68",
      "1 .well-known,core 0",
      "69  0",
      "1 .well-known,core 1",
      "69  1",
      "1 3311,0,5850",
      "69",
      "3 3311,0,5850",
      "68",
      "69",
    ],
  );
  const observes = lines.map(([, , , observe]) => observe).filter((value) => value !== "");
  assert.equal(observes.length, 3);
});

for (const [name, suite] of [
  ["AES-128-CCM-8", 0xff01],
  ["no encryption, HMAC-SHA-256", 0xff02],
] as const) {
  test(`dtls-record, ${name}: Wireshark reads records of DTLS 1.2`, { skip }, async () => {
    const told = (number: number, security: SecurityGroup) => ({
      number,
      securities: [security],
      appGroups: [[1, 1, GROUP]] as const,
      rights: [["02", 1, 2]] as const,
    });
    const lampGroup = recordGroup(1, suite, "01", ["02"]);
    const wallGroup = recordGroup(1, suite, "02", ["01"]);
    const lampBlob = provisioningOf({ ...told(LAMP, lampGroup), role: "luminaire" });
    const wallBlob = provisioningOf({ ...told(OTHER, wallGroup), role: "switch", target: 1 });
    const start = (number: number, blob: Uint8Array) => {
      const ours = { name: `record-${number}-${suite}`, eui64: eui64Of(number), blob };
      return device("XS", lan.computer(number).command, ours, folder);
    };
    const lamp = await start(LAMP, lampBlob);
    const wall = await start(OTHER, wallBlob);
    const path = await captured(`record-${suite}`, async () => {
      wall.say("down");
      await pause(150);
      wall.say("up");
      await lamp.line(/"light":\{"level":254/);
    });
    lamp.stop();
    wall.stop();
    const asDtls = ["-d", "udp.port==5683,dtls"];
    faultless(path, ...asDtls);
    const names = ["type", "version", "epoch", "sequence_number"];
    const records = fields(
      path,
      names.map((field) => `dtls.record.${field === "type" ? "content_type" : field}`),
      ...asDtls,
    );
    assert.ok(records.length >= 1);
    records.forEach((record, index) => {
      assert.deepEqual(record, ["23", "0xfefd", "1", `${index}`]);
    });
  });
}
