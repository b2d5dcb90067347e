/**
 * RAM of a luminaire as a device has it: 32-bit build, image preloaded, hard ceiling on everything
 * XS takes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { generate } from "../../hosts/installation/generate.js";
import { Medium } from "../../hosts/medium/medium.js";
import { lacks } from "../support/skip.js";

const SENDERS = 50;
const GROUPS = 10;
/** Slots + chunks + stack + keys. */
const CEILING_BYTES = 48 * 1024;
const SECOND = 1_000_000;

test("a luminaire with 50 senders and 10 groups lives under a hard 48 KB", {
  skip: lacks("gcc-multilib"),
}, async () => {
  const made = generate({
    luminaires: 1,
    switches: SENDERS,
    sensors: 0,
    hops: 1,
    loss: 0,
    seed: 48,
    groups: GROUPS,
  });
  const groups = made.applicationGroups.map(({ id }) => id);
  const devices = made.devices.map((device) =>
    device.role === "luminaire" ? { ...device, groups } : device,
  );
  const lamp = devices.find(({ role }) => role === "luminaire")?.name as string;
  const medium = await Medium.start({
    installation: { ...made, devices },
    engine: "m32",
    devices: { [lamp]: { heapBytes: CEILING_BYTES } },
  });
  try {
    let accepted = 0;
    medium.on("trace", ({ device, event }) => {
      if (device === lamp && event === "accepted") accepted++;
    });
    await medium.run(3 * SECOND);
    for (const { name } of devices.filter(({ role }) => role === "switch")) {
      // Twice each: once as a newcomer, once as a known sender.
      for (let press = 0; press < 2; press++) {
        medium.button(name, true);
        await medium.run(medium.now + 100_000);
        medium.button(name, false);
        await medium.run(medium.now + SECOND);
      }
    }
    const usage = await medium.usage(lamp);
    assert.ok(accepted >= 2 * SENDERS, `${accepted} commands of ${SENDERS} senders were obeyed`);
    assert.ok(usage.peakBytes <= CEILING_BYTES, `peak ${usage.peakBytes} bytes`);
    console.log(`# luminaire, m32: live ${usage.liveBytes}, peak ${usage.peakBytes} bytes`);
  } finally {
    await medium.stop();
  }
});
