/** The border's program: its part of an installation, its command line, its end of the medium. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Control } from "../../hosts/border/control.js";
import { parseOptions, UsageError } from "../../hosts/border/options.js";
import { addressOf, readPlace } from "../../hosts/border/place.js";
import { formatIpv6, parseIpv6 } from "../../hosts/installation/address.js";
import { formatInstallation } from "../../hosts/installation/file.js";
import { meshAddress } from "../../hosts/installation/members.js";
import { InstallationError, parseInstallation } from "../../hosts/installation/parse.js";
import { borderPart, provisioning } from "../../hosts/installation/provisioning.js";
import { meshNodes, radioLinks } from "../../hosts/installation/topology.js";
import { ROOT } from "../../hosts/root.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { parseProvisioning } from "../../modules/device/provision.js";

const EXAMPLE = join(ROOT, "hosts/installation/example/two-networks.json");
const MAIN = join(ROOT, "build/node/hosts/border/main.js");
const example = readFileSync(EXAMPLE, "utf8");
const folder = mkdtempSync(join(tmpdir(), "lumicast-border-"));
after(() => rmSync(folder, { recursive: true }));

// biome-ignore lint/suspicious/noExplicitAny: damaged files are the subject here
function complaint(change: (file: any) => void): string {
  const file = JSON.parse(example);
  change(file);
  try {
    parseInstallation(JSON.stringify(file), "room.json");
  } catch (error) {
    assert.ok(error instanceof InstallationError, String(error));
    return error.message;
  }
  return assert.fail("the parser took it");
}

// ---- installations half on Wi-Fi

test("the example is read without a note, and written back the same", () => {
  const { installation, notes } = parseInstallation(example, "room.json");
  assert.deepEqual(notes, []);
  const again = parseInstallation(formatInstallation(installation), "again.json");
  assert.deepEqual(again.installation, installation);
});

test("the border's part has its place and no key, no right and nobody's name", () => {
  const { installation: room } = parseInstallation(example, "room.json");
  const part = borderPart(room);
  const place = readPlace(part);
  const { border, pan, prefix } = room.network;
  const shorts = room.devices.filter(({ wifi }) => wifi === undefined).map(({ short }) => short);
  assert.deepEqual(
    { ...place, routes: [...place.routes] },
    { eui64: border!.eui64, pan, short: border!.short, prefix, routes: [], devices: shorts },
  );
  const hex = toHex(part);
  const keys = room.securityGroups.flatMap((group) => {
    assert.equal(group.profile, "lowlatency");
    return group.profile === "lowlatency" ? group.keys.map(({ key }) => toHex(key)) : [];
  });
  assert.ok(keys.length > 0);
  for (const secret of keys) assert.ok(!hex.includes(secret));
  for (const { eui64 } of room.devices) assert.ok(!hex.includes(toHex(eui64)));
  assert.deepEqual(addressOf(place, shorts[0]), meshAddress(room, { short: shorts[0] }));
  for (let length = 0; length < part.length; length++) {
    assert.throws(() => readPlace(part.slice(0, length)), /border|provisioning/);
  }
});

test("a device of the mesh knows the way out, one on Wi-Fi no mesh at all", () => {
  const { installation: room } = parseInstallation(example, "room.json");
  for (const device of room.devices) {
    const { network } = parseProvisioning(provisioning(room, device));
    if (device.wifi === undefined) assert.equal(network?.routes.get(0xffff), 0xbb);
    else assert.equal(network, undefined);
    const expected = device.wifi ?? meshAddress(room, { short: device.short });
    assert.deepEqual(meshAddress(room, device), expected);
  }
  const names = meshNodes(room).map(({ name }) => name);
  assert.equal(names.at(-1), "border");
  const wireless = room.devices.filter(({ wifi }) => wifi === undefined).length;
  assert.equal(names.length, wireless + 1);
  // All of the mesh hear each other, and nobody on Wi-Fi.
  assert.equal(radioLinks(room).length, names.length * (names.length - 1));
});

test("what does not fit together is told with the remedy", () => {
  const isMissing = /network\.border: is missing, and some devices are on Wi-Fi; give "border"/;
  assert.match(
    complaint((file) => delete file.network.border),
    isMissing,
  );
  const wifi = (file: { devices: { wifi?: string }[] }) => file.devices.find((one) => one.wifi)!;
  assert.match(
    complaint((file) => (wifi(file).wifi = "fd6c:756d:6963:1::9")),
    /wifi: is an address of the mesh; give one of the network outside/,
  );
  assert.match(
    complaint((file) => (wifi(file).wifi = "ff15::1")),
    /wifi: "ff15::1" is a multicast address; give the device's address on Wi-Fi/,
  );
  assert.match(
    complaint((file) => {
      for (const device of file.devices) if (device.wifi) device.wifi = "fd00:6c75::1";
    }),
    /wifi: is the same as in devices\[\d\]; one each/,
  );
  assert.match(
    complaint((file) => (file.applicationGroups[0].address = "ff13::4c:1")),
    /applicationGroups\[0\]\.address: does not cross the border, which has members on both/,
  );
  assert.match(
    complaint((file) => (file.network.border.short = 1)),
    /network\.border\.short: is the same as that of lamp-1/,
  );
  assert.match(
    complaint((file) => (file.network.border.eui64 = file.devices[0].eui64)),
    /network\.border\.eui64: is the same as that of lamp-1/,
  );
  assert.match(
    complaint((file) => (file.devices[0].name = "border")),
    /devices\[0\]\.name: "border" is the border router's; give another/,
  );
  assert.match(
    complaint((file) => (file.network.links = [{ from: "lamp-1", to: "lamp-2", loss: 0.5 }])),
    /network\.links\[0\]\.to: lamp-2 is on Wi-Fi and has no link on the mesh/,
  );
});

test("links may name the border", () => {
  const file = JSON.parse(example);
  file.network.links = [{ from: "lamp-1", to: "border", loss: 1 }];
  const { installation: room } = parseInstallation(JSON.stringify(file), "room.json");
  const nodes = meshNodes(room);
  const deaf = radioLinks(room).some(({ from, to }) => from === 0 && to === nodes.length - 1);
  assert.equal(deaf, false);
});

// ---- the command line

test("the command line: what is missing or wrong is told", () => {
  const cases: [string[], RegExp][] = [
    [[], /--interface is missing/],
    [["--interface", "eth0"], /--file is missing/],
    [["--interface", "eth0", "--file", "x", "--port", "70000"], /--port 70000: give a whole/],
    [["--interface", "eth0", "--file", "x", "--query", "500"], /--query 500: .* from 1 to 127/],
    [["--interface", "eth0", "--file", "x", "--engine", "v8"], /--engine v8: give one of/],
    [["--nonsense"], /nonsense/],
  ];
  for (const [args, pattern] of cases) {
    assert.throws(
      () => parseOptions(args),
      (error) => {
        return error instanceof UsageError && pattern.test(error.message);
      },
    );
  }
  const many = Array.from({ length: 8 }, (_, i) => ["--port", `${6000 + i}`]).flat();
  assert.throws(() => parseOptions(["--interface", "e", "--file", "x", ...many]), /9 ports/);
  const { ports } = parseOptions(["--interface", "e", "--file", "x", "--port", "5684"]);
  assert.deepEqual(ports, [5683, 5684]);
});

function run(...args: readonly string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", timeout: 60_000 });
}

test("the program: help, and errors that tell the fix with their exit code", () => {
  const help = run("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /npm run border -- --file FILE --interface NAME/);
  const bare = run();
  assert.equal(bare.status, 2);
  assert.match(bare.stderr, /--interface is missing.*\nnpm run border -- --help/);
  const nowhere = run("--interface", "eth0", "--file", join(folder, "no.json"));
  assert.equal(nowhere.status, 2);
  const room = join(ROOT, "hosts/installation/example/meeting-room.json");
  const borderless = run("--interface", "eth0", "--file", room);
  assert.equal(borderless.status, 2);
  assert.match(borderless.stderr, /it has no "border" in its network/);
});

test("an interface that is not there, or must not be changed", () => {
  const nowhere = run("--interface", "nowhere0", "--file", EXAMPLE);
  assert.equal(nowhere.status, 1);
  assert.match(nowhere.stderr, /Cannot find device "?nowhere0.*; .* listed by: ip -6 address/s);
});

test("what devices on Wi-Fi are told is written for their owner only", () => {
  const to = join(folder, "wifi");
  const { status, stdout } = run("--file", EXAMPLE, "--wifi", to, "--interface", "eth0");
  assert.equal(status, 0);
  const { installation: room } = parseInstallation(example, "room.json");
  const wifi = room.devices.filter((device) => device.wifi !== undefined);
  assert.equal(wifi.length, 3);
  for (const device of wifi) {
    const path = join(to, `${device.name}.cbor`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(Uint8Array.from(readFileSync(path)), provisioning(room, device));
    assert.match(stdout, new RegExp(`lumicast run .* --provision ${path} .*--interface eth0`));
  }
});

// ---- its end of the medium

interface Side {
  readonly server: Server;
  readonly socket: Socket;
  readonly lines: string[];
  readonly control: Control;
  line(count: number): Promise<string>;
}

async function side(name: string): Promise<Side> {
  const path = join(folder, name);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const met = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const control = await Control.connect(path, fromHex("02124b00000000bb"));
  const socket = await met;
  const lines: string[] = [];
  let wake = () => {};
  let rest = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    const all = (rest + text).split("\n");
    rest = all.pop() as string;
    lines.push(...all);
    wake();
  });
  const line = async (count: number) => {
    while (lines.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return lines[count - 1];
  };
  return { server, socket, lines, control, line };
}

test("a station: time is what is granted, timers fire at theirs, frames at theirs", async () => {
  const { server, socket, control, line, lines } = await side("grants");
  const seen: [string, number][] = [];
  control.onBoot = () => {
    seen.push(["boot", control.micros()]);
    control.after(50, () => seen.push(["timer", control.micros()]));
    const gone = control.after(20, () => seen.push(["never", control.micros()]));
    control.cancel(gone);
  };
  control.radio.onFrame = (frame, at) => {
    seen.push([`frame ${toHex(frame)}`, at]);
    control.radio.send(fromHex("aa"));
  };
  control.radio.onSent = ({ id, acked }) => seen.push([`sent ${id} ${acked}`, control.micros()]);
  control.hello();
  assert.match(await line(1), /"hello":\{"eui64":"02124b00000000bb","engine":"node /);
  socket.write('{"grant":1000,"events":[]}\n');
  assert.equal(await line(2), '{"done":1000,"next":1050}');
  socket.write('{"grant":2000,"events":[{"at":1020,"frame":"0102"},{"at":1070,"sent":1,');
  socket.write('"acked":true,"transmitted":true}]}\n');
  assert.equal(await line(3), '{"at":1020,"tx":"aa","id":1}');
  assert.equal(await line(4), '{"done":2000,"next":null}');
  assert.deepEqual(seen, [
    ["boot", 1000],
    ["frame 0102", 1020],
    ["timer", 1050],
    ["sent 1 true", 1070],
  ]);
  // Between grants: one wish to run, however much there is to do; done in the next grant.
  for (let i = 0; i < 300; i++) control.soon(() => seen.push(["errand", control.micros()]));
  assert.equal(await line(5), '{"wake":true}');
  socket.write('{"grant":3000,"events":[]}\n');
  assert.equal(await line(6), '{"done":3000,"next":null}');
  assert.equal(seen.filter(([what, at]) => what === "errand" && at === 3000).length, 256);
  assert.equal(control.dropped, 300 - 256);
  const ended = new Promise<void>((resolve) => (control.onEnd = resolve));
  socket.write('{"stop":true}\n');
  await ended;
  assert.equal(lines.length, 6);
  control.onEnd = () => {};
  socket.destroy();
  server.close();
});

test("no medium: told with the fix", async () => {
  const path = join(folder, "nobody");
  await assert.rejects(Control.connect(path, new Uint8Array(8)), /is there a medium\?/);
});

test("addresses as text and back", () => {
  const text = "fd6c:756d:6963:1:0:ff:fe00:bb";
  assert.equal(formatIpv6(parseIpv6(text)!), text);
});
