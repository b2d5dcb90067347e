/**
 * The desktop simulator as a person has it, on a virtual display: a click on one window changes the
 * lamps in the others, to be seen in what they print and in their pixels; and a lamp that was ended
 * and started again knows what it had obeyed before.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { formatIpv6 } from "../../hosts/installation/address.js";
import { generate } from "../../hosts/installation/generate.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import { ROOT } from "../../hosts/root.js";
import { appOf, build, findSdk } from "../../hosts/sdk/sdk.js";
import { Instance, type Line, WINDOW } from "../../hosts/simulator/instance.js";
import { lacks } from "../support/skip.js";
import { makeNetwork, type Network } from "./network.js";
import { type Colour, type Picture, Screen } from "./screen.js";

/** What the device of platforms/simulator/device draws. */
const OFF: Colour = [0x30, 0x30, 0x30];
const BUTTON: Colour = [0xb0, 0xb0, 0xb0];
const WAIT_MS = 30_000;

/** A window, and waiting for what it prints. */
class Desk {
  readonly place: { readonly x: number; readonly y: number };
  readonly instance: Instance;
  #from = 0;
  #wake: () => void = () => {};

  constructor(index: number, make: (desk: Desk) => Instance) {
    this.place = { x: index * WINDOW.width, y: 0 };
    this.instance = make(this);
  }

  heard(): void {
    this.#wake();
  }

  /** The next line that fits; those before it are passed over. */
  async line(what: string, fits: (line: Line) => boolean): Promise<Line> {
    const limit = AbortSignal.timeout(WAIT_MS);
    for (;;) {
      const lines = this.instance.lines;
      while (this.#from < lines.length) {
        const line = lines[this.#from++];
        if (fits(line)) return line;
      }
      if (limit.aborted) {
        throw new Error(`${this.instance.name}: no ${what}; ${JSON.stringify(lines)}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        limit.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  light(level: number): Promise<Line> {
    return this.line(`light ${level}`, ({ light }) => light?.level === level);
  }

  traced(event: string): Promise<Line> {
    return this.line(event, ({ trace }) => trace === event);
  }

  /** Everything it printed, when nothing more is waited for. */
  get levels(): number[] {
    return this.instance.lines.flatMap(({ light }) => (light === undefined ? [] : [light.level]));
  }
}

/** Hears and sends the group's datagrams (recorder.ts). */
function eavesdrop(network: Network, group: string) {
  const [command, ...args] = [
    ...network.within,
    process.execPath,
    join(ROOT, "build/node/test/sdk/recorder.js"),
    group,
    network.interface,
  ];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    next: async () => (await lines.next()).value as string,
    send: (hex: string) => void child.stdin.write(`${hex}\n`),
    stop: () => void child.kill("SIGKILL"),
  };
}

const missing =
  lacks("mcsim") || lacks("Xvfb") || lacks("xdotool") || lacks("imagemagick") || false;

test("a click on one simulator changes the lamps of the others, and replays stay refused", {
  skip: missing,
  timeout: 900_000,
}, async (context) => {
  const sdk = findSdk();
  const made = { platform: "lin", out: join(ROOT, "build/sdk/out") };
  await build(sdk, made);
  const network = await makeNetwork();
  if (network === undefined) {
    context.skip("needs root, user namespaces, or an interface with IPv6 multicast");
    return;
  }
  const screen = await Screen.open();
  const folder = mkdtempSync(join(tmpdir(), "lumicast-sdk-"));
  const room = generate({ luminaires: 2, switches: 1, sensors: 0, hops: 1, loss: 0 });
  const [group] = room.applicationGroups;
  const ear = eavesdrop(network, formatIpv6(group.address));
  const desks = room.devices.map((device, index) => {
    return new Desk(index, (desk) => {
      const { name } = device;
      const own = join(folder, name);
      mkdirSync(own);
      return new Instance({
        name,
        folder: own,
        provisioning: provisioning(room, device),
        sdk,
        app: appOf(made),
        place: desk.place,
        env: { DISPLAY: screen.display, LUMICAST_INTERFACE: network.interface },
        hear: () => desk.heard(),
        within: network.within,
      });
    });
  });
  const [lamp, other, wall] = desks;
  try {
    equal(await ear.next(), "ready");
    for (const { instance } of desks) void instance.run();
    await Promise.all([lamp.light(0), other.light(0)]);
    await wall.line("network", ({ network }) => network === "open");

    const dark = await settled(screen, (picture) =>
      desks.every(({ place }) => picture.find(place, BUTTON)),
    );
    const bulbs = [lamp, other].map(({ place }) => dark.find(place, OFF));
    const button = dark.find(wall.place, BUTTON);
    ok(button !== undefined && bulbs.every((bulb) => bulb !== undefined));

    screen.click(button);
    const command = await ear.next();
    await Promise.all([lamp.light(254), other.light(254)]);
    await Promise.all([lamp.traced("accepted"), other.traced("accepted")]);
    // The press, and its repetitions after 0.25 and 2 s; the last one comes after 30 s.
    for (let sent = 0; sent < 3; sent++) await wall.traced("sent");
    const bright = await settled(screen, (picture) =>
      bulbs.every((bulb) => picture.at(bulb!)[0] > 128),
    );
    for (const bulb of bulbs) {
      const [red, green, blue] = bright.at(bulb!);
      ok(red > green && green > blue && red > 128, `warm white, not ${red}, ${green}, ${blue}`);
    }

    // A recording of what both have obeyed: also after one of them was ended and started again.
    await lamp.instance.stop();
    void lamp.instance.run();
    await lamp.light(0);
    const before = [lamp, other].map(({ levels }) => levels.length);
    ear.send(command);
    await Promise.all([lamp.traced("replayed"), other.traced("replayed")]);
    const after = [lamp, other].map(({ levels }) => levels.length);
    deepEqual(after, before);

    // It still obeys what is fresh. The switch says "off", the one lamp that is on goes out.
    screen.click(button);
    await Promise.all([lamp.traced("accepted"), other.light(0)]);
    const out = await settled(screen, (picture) =>
      bulbs.every((bulb) => picture.at(bulb!)[0] < 128),
    );
    for (const bulb of bulbs) deepEqual(out.at(bulb!), OFF);
  } finally {
    ear.stop();
    await Promise.all(desks.map(({ instance }) => instance.stop()));
    screen.close();
    network.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Shoots until the picture is as it has to become; the last one when time is over. */
async function settled(screen: Screen, done: (picture: Picture) => boolean): Promise<Picture> {
  const until = Date.now() + WAIT_MS;
  for (;;) {
    const picture = screen.shoot();
    if (done(picture) || Date.now() > until) return picture;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
