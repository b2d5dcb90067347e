/** DTLS on the emulated Cortex-M4: a handshake over the air, in the memory a device has. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { command, HOST } from "../../hosts/bench/count.js";
import { makeRom } from "../../hosts/cortexm/build.js";
import { cortexm } from "../../hosts/cortexm/launch.js";
import { generate } from "../../hosts/installation/generate.js";
import { Medium } from "../../hosts/medium/medium.js";
import { ROOT } from "../../hosts/root.js";
import { SECOND } from "../support/simulation.js";
import { build, skipped } from "./board.js";

/** What launch.ts gives a device: slots, chunks, stack, key tables and AES keys. */
const HEAP_BYTES = 65_536;
const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));

before(build);
after(() => rmSync(folder, { recursive: true }));

/** Byte code of a device that is one end. */
async function image(name: string, peer?: number): Promise<string> {
  const { bundleInsecure } = await import(join(ROOT, "hosts/bundle.mjs"));
  const entry = join(folder, `${name}.ts`);
  const from = JSON.stringify(join(ROOT, "test/cortexm/dtls-device.ts"));
  const text = `import { start } from ${from};\nexport default () => start(${peer ?? ""});\n`;
  writeFileSync(entry, text);
  const bundle = join(folder, `${name}.js`);
  await bundleInsecure(bundle, entry);
  command(HOST, ["compile", bundle, `${bundle}.xsb`]);
  return `${bundle}.xsb`;
}

for (const role of ["client", "server"] as const) {
  test(`a Cortex-M4 with 256 KB of RAM is the ${role} of a handshake over 802.15.4`, {
    skip: skipped,
  }, async (context) => {
    const sizes = { luminaires: 2, switches: 0, sensors: 0, hops: 1, loss: 0, seed: 3 };
    const installation = generate(sizes);
    const [emulated, other] = installation.devices;
    const [client, server] = role === "client" ? [emulated, other] : [other, emulated];
    const images = { client: await image("client", server.short), server: await image("server") };
    const rom = makeRom(images[role], join(folder, `rom-${role}`));
    const board = cortexm(rom);
    const plain = images[role === "client" ? "server" : "client"];
    const medium = await Medium.start({
      installation,
      command: (args, device) =>
        device.name === emulated.name
          ? board(args, device)
          : { file: HOST, args: ["run", plain, ...args] },
    });
    try {
      const said: string[] = [];
      const times: number[] = [];
      medium.on("log", ({ device, text, at }) => {
        said.push(`${device === client.name ? "client" : "server"} ${text}`);
        times.push(at);
      });
      await medium.run(5 * SECOND);
      assert.deepEqual(said.sort(), [
        "client connects",
        "client heard 2",
        "client opened",
        "server heard 2",
        "server opened",
      ]);
      const usage = await medium.usage(emulated.name);
      assert.ok(usage.reservedBytes <= HEAP_BYTES, JSON.stringify(usage));
      const tookMillis = (Math.max(...times) - Math.min(...times)) / 1000;
      context.diagnostic(`${usage.reservedBytes} bytes reserved; answered after ${tookMillis} ms`);
    } finally {
      await medium.stop();
    }
  });
}
