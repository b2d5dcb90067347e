/** npm run flash: what it refuses, what it prints, and what it runs, with a stand-in mcconfig. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { parseProvisioning } from "../../modules/device/provision.js";
import { EXAMPLE } from "../support/room.js";

const program = join(ROOT, "build/node/hosts/flash/main.js");
const home = mkdtempSync(join(tmpdir(), "lumicast-flash-"));
after(() => rmSync(home, { recursive: true }));

/** A Thread dataset of public examples (Home Assistant's tests), as a router prints it. */
const DATASET =
  "0e080000000000010000000300000f35060004001fffe0020811111111222222220708fdad70bfe5aa15dd0510" +
  "00112233445566778899aabbccddeeff030e4f70656e54687265616444656d6f010212340410445f2b5ca6f2a9" +
  "3a55ce570a70efeecb0c0402a0f7f8";

const lamp = ["--installation", EXAMPLE, "--device", "window-left"];
const door = ["--installation", EXAMPLE, "--device", "door"];
const nothing = { MODDABLE: undefined, IDF_PATH: undefined, ZEPHYR_BASE: undefined };

function flash(args: readonly string[], env: NodeJS.ProcessEnv = nothing) {
  const options = { encoding: "utf8", env: { ...process.env, ...env }, timeout: 60_000 } as const;
  return spawnSync(process.execPath, [program, ...args], options);
}

function plant(path: string, text: string): string {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** The words of the printed line behind mcconfig. */
function printed(args: readonly string[]): string {
  const { status, stdout, stderr } = flash([...args, "--dry-run"]);
  assert.equal(status, 0, stderr);
  const [, words] = /^PATH=\S+ LUMICAST_PROVISIONING=\S+\.cbor (.+)\n$/.exec(stdout) ?? [];
  assert.ok(words !== undefined, stdout);
  return words;
}

test("the line is mcconfig's, with the role the provisioning says", () => {
  assert.equal(
    printed(["esp32/esp32c6", ...lamp, "--dataset", DATASET, "--pins", "neopixel:8,button:9"]),
    `mcconfig -d -m -p esp32/esp32c6 role=luminaire pins=neopixel:8,button:9 dataset=${DATASET}`,
  );
  assert.equal(
    printed(["esp32", ...door, "--ssid", "It's ours", "--password", "not a secret", "--release"]),
    `mcconfig -m -p esp32 role=switch 'ssid=It'\\''s ours' 'password=not a secret'`,
  );
  assert.equal(
    printed(["zephyr/nrf52840dk", "--role", "luminaire", ...lamp, "--router", "0"]),
    "mcconfig -d -m -p zephyr/nrf52840dk role=luminaire router=0",
  );
  const port = printed(["esp32", ...lamp, "--port", "/dev/ttyUSB7"]);
  assert.equal(port, "UPLOAD_PORT=/dev/ttyUSB7 mcconfig -d -m -p esp32 role=luminaire");
});

test("a dataset may come from a file", () => {
  const file = plant("dataset.txt", `${DATASET.toUpperCase()}\n`);
  assert.match(printed(["esp32/esp32h2", ...lamp, "--dataset", file]), new RegExp(DATASET));
});

const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["no target", [], /which target\? One of esp32, esp32\/esp32s3/],
  ["an unknown target", ["esp32/esp32p4", ...lamp], /no target esp32\/esp32p4; there are esp32,/],
  ["two targets", ["esp32", "esp32/esp32c6", ...lamp], /one target at a time/],
  ["an unknown option", ["esp32", "--pin", "3"], /--pin/],
  ["an unknown role", ["esp32", "--role", "lamp", ...lamp], /lamp is none; say luminaire or/],
  ["a role without hardware", ["esp32", "--role", "presence", ...lamp], /presence has no sensor/],
  ["nobody", ["esp32"], /who is this device\?/],
  ["half a device", ["esp32", "--installation", EXAMPLE], /--device NAME go together/],
  ["two sources", ["esp32", ...lamp, "--provisioning", "x"], /not both/],
  ["a pin of the flash", ["esp32", ...lamp, "--pins", "button:6"], /button:6: not on esp32/],
  ["an input as output", ["esp32", ...lamp, "--pins", "lamp:34"], /lamp:34: .*input only/],
  ["an unknown pin", ["esp32", ...lamp, "--pins", "led:2"], /no pin led; there are button/],
  ["no pin at all", ["esp32", ...lamp, "--pins", "button=2"], /button=2 is no pin/],
  ["a pin twice", ["esp32", ...lamp, "--pins", "button:2,lamp:2"], /2 is given to two things/],
  ["many pixels", ["esp32", ...lamp, "--pins", "neopixel:2,pixels:65"], /pixels are 1 to 64/],
  ["pins of a fixed board", ["zephyr/nrf52840dk", ...lamp, "--pins", "lamp:2"], /no use for it/],
  ["Wi-Fi for Thread", ["esp32/esp32c6", ...lamp, "--ssid", "x"], /--ssid: .*no use for it/],
  ["Thread for Wi-Fi", ["esp32", ...lamp, "--dataset", DATASET], /--dataset: .*no use for it/],
  ["a short password", ["esp32", ...lamp, "--ssid", "x", "--password", "short"], /8 to 63/],
  ["a long name", ["esp32", ...lamp, "--ssid", "x".repeat(33)], /1 to 32 bytes/],
  ["whites reversed", ["esp32", ...lamp, "--whites", "370-154"], /370-154 is no pair of mireds/],
  ["a port out of range", ["esp32", ...lamp, "--ports", "70000"], /below 65536/],
];

for (const [what, args, message] of refusals) {
  test(`the command line is wrong: ${what}`, () => {
    const { status, stdout, stderr } = flash([...args, "--dry-run"]);
    assert.match(stderr, message);
    assert.equal(stdout, "");
    assert.equal(status, 2);
  });
}

test("a file that does not do is named, with what is wrong", () => {
  const fails = (args: readonly string[], message: RegExp) => {
    const { status, stderr } = flash(["esp32/esp32c6", ...args, "--dry-run"]);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n {4}at /, "no stack");
    assert.equal(status, 1);
  };
  fails(["--installation", EXAMPLE, "--device", "attic"], /has no attic; it has wall-left/);
  fails(["--installation", join(home, "none"), "--device", "x"], /none:1: cannot be read/);
  fails(["--provisioning", join(home, "none")], /--provisioning: .*none cannot be read/);
  fails(["--provisioning", plant("bad.cbor", "hello")], /bad\.cbor: provisioning: not the CBOR/);
  fails(["--role", "switch", ...lamp], /switch, but the provisioning is of a luminaire/);
  fails(["--installation", EXAMPLE, "--device", "ceiling"], /presence, and no board has its/);
  fails([...lamp, "--dataset", "zz"], /zz is neither pairs of hex digits nor a file/);
  fails([...lamp, "--dataset", DATASET.slice(0, -2)], /ends within a field/);
  fails([...lamp, "--dataset", DATASET.slice(0, 20)], /has no network key/);
});

test("what is missing is told with the command that mends it", () => {
  const { status, stderr } = flash(["esp32", ...lamp]);
  assert.match(stderr, /^the Moddable SDK: not there\. To get it:\n {2}git clone \S+moddable/m);
  assert.equal(status, 1);
  const sdk = { ...nothing, ...standIn("exit 0") };
  const esp = flash(["esp32", ...lamp], { ...sdk, IDF_PATH: undefined });
  assert.match(esp.stderr, /^ESP-IDF: not there\. To get it:\n {2}git clone -b v6\.0 --recursive/m);
  const nrf = flash(["zephyr/nrf52840dk", ...lamp], sdk);
  assert.match(nrf.stderr, /^Zephyr: not there\. To get it:\n {2}west init/m);
  const port = flash(["esp32", ...lamp, "--port", join(home, "tty")], sdk);
  assert.match(port.stderr, /--port: there is no .*tty/);
  assert.deepEqual([esp.status, nrf.status, port.status], [1, 1, 1]);
});

/** An SDK whose mcconfig is `script`, and an ESP-IDF, as far as they are looked at. */
function standIn(script: string): NodeJS.ProcessEnv {
  const hosts: Readonly<Record<string, string>> = { darwin: "mac", win32: "win" };
  const bin = `sdk/build/bin/${hosts[process.platform] ?? "lin"}/release`;
  plant("sdk/tools/VERSION", "8.2.3\n");
  for (const name of ["mcconfig", "xsc", "xsl", "mcsim"]) {
    chmodSync(plant(`${bin}/${name}`, `#!/bin/sh\n${script}\n`), 0o755);
  }
  const version = ["MAJOR 6", "MINOR 0", "PATCH 0"];
  const lines = version.map((part) => `set(IDF_VERSION_${part})\n`);
  plant("idf/tools/cmake/version.cmake", lines.join(""));
  return { MODDABLE: join(home, "sdk"), IDF_PATH: join(home, "idf") };
}

test("mcconfig runs with the device's own provisioning, readable for nobody else", () => {
  const port = plant("ttyUSB0", "");
  const env = standIn('echo "ran $UPLOAD_PORT $*"; cp "$LUMICAST_PROVISIONING" "$HOME/blob"');
  const words = ["esp32/esp32c6", ...lamp, "--port", port, "--dataset", DATASET];
  const { status, stdout, stderr } = flash(words, { ...env, HOME: home });
  assert.equal(status, 0, stderr);
  const [line, ran] = stdout.split("\n");
  assert.match(line, /mcconfig -d -m -p esp32\/esp32c6 role=luminaire dataset=\.\.\.$/);
  assert.equal(ran, `ran ${port} -d -m -p esp32/esp32c6 role=luminaire dataset=${DATASET}`);
  const blob = readFileSync(join(home, "blob"));
  assert.equal(Buffer.from(parseProvisioning(blob).eui64).toString("hex"), "024c554d01000003");
  const written = join(ROOT, "build/flash/024c554d01000003.cbor");
  assert.ok(existsSync(written));
  assert.equal(statSync(written).mode & 0o777, 0o600);
});

test("a build that fails is exit code 1", () => {
  const env = standIn("echo broken >&2; exit 7");
  const { status, stderr } = flash(["esp32", ...lamp], env);
  assert.match(stderr, /^broken$/m);
  assert.equal(status, 1);
});

test("--help says every target and option, and asks for nothing", () => {
  const { status, stdout, stderr } = flash(["--help"]);
  assert.deepEqual([status, stderr], [0, ""]);
  for (const word of [
    "esp32/esp32h2",
    "zephyr/nrf52840dk",
    "--dry-run",
    "--dataset",
    "Exit code",
  ]) {
    assert.ok(stdout.includes(word), word);
  }
});

test("two slots: the table for 8 MB is asked for, and never by itself", () => {
  const line = (...args: string[]) => flash([...args, "--dry-run"]).stdout;
  assert.doesNotMatch(line("esp32/esp32s3", ...lamp), /LUMICAST_FLASH/);
  assert.match(
    line("esp32/esp32s3", ...lamp, "--flash-size", "8"),
    / LUMICAST_FLASH=_8mb mcconfig /,
  );
  const refused: [string[], RegExp][] = [
    [["esp32/esp32s3", ...lamp, "--flash-size", "16"], /--flash-size: say 4, or 8/],
    [["zephyr/nrf52840dk", ...lamp, "--flash-size", "8"], /--flash-size: .* has no use for it/],
    [["esp32/esp32s3", ...lamp, "--kind", "a b"], /--kind: 1 to 32/],
  ];
  for (const [args, why] of refused) {
    const { status, stderr } = flash([...args, "--dry-run"]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, why);
  }
});

test("an image for many is nobody's, whatever the shell says, and is not flashed", () => {
  const many = ["esp32/esp32c6", "--update", "--flash-size", "8", "--role", "luminaire"];
  const shell = { ...nothing, LUMICAST_PROVISIONING: "/tmp/lamp-1.cbor" };
  const { status, stdout, stderr } = flash([...many, "--kind", "hall.2", "--dry-run"], shell);
  assert.equal(status, 0, stderr);
  const [, own, words] =
    /LUMICAST_PROVISIONING=(\S+) LUMICAST_FLASH=_8mb (.+)\n$/.exec(stdout) ?? [];
  assert.equal(own, join(ROOT, "platforms/moddable/LUMICAST_PROVISIONING-is-not-set"));
  assert.ok(!existsSync(own));
  assert.equal(words, "mcconfig -m -p esp32/esp32c6 -t build role=luminaire kind=hall.2");
  assert.match(stderr, /then: npm run firmware -- pack \S+xs_esp32\.bin --kind hall\.2/);
  const refused: [string[], RegExp][] = [
    [[...many, ...lamp], /--installation: an image for many devices is no one's/],
    [["esp32/esp32c6", "--update", "--flash-size", "8"], /of which --role/],
    [["esp32/esp32c6", "--update", "--role", "switch"], /with --flash-size 8 only/],
    [["zephyr/nrf52840dk", "--update", "--role", "switch"], /has no second slot/],
  ];
  for (const [args, why] of refused) assert.match(flash([...args, "--dry-run"]).stderr, why);
});
