/** The doctor, on machines that really lack what it says they lack. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { serialPorts } from "../../hosts/doctor/serial.js";
import { ROOT } from "../../hosts/root.js";

const doctor = join(ROOT, "build/node/hosts/doctor/main.js");
const home = mkdtempSync(join(tmpdir(), "lumicast-doctor-"));
after(() => rmSync(home, { recursive: true }));

interface Row {
  readonly name: string;
  readonly purposes: readonly string[];
  readonly required: boolean;
  readonly found: string | null;
  readonly mend: string | null;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, first: readonly string[] = []) {
  const [command, ...rest] = [...first, process.execPath, doctor, ...args];
  const whole = { ...process.env, MODDABLE: "", IDF_PATH: "", ZEPHYR_BASE: "", ...env };
  return spawnSync(command, rest, { encoding: "utf8", env: whole, timeout: 60_000 });
}

function examine(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout } = run(["--json", ...args], env);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Row[] };
  const row = (name: string) => {
    const found = checks.find((check) => check.name === name);
    assert.ok(found, `the doctor says nothing of ${name}`);
    return found;
  };
  return { status, ok, checks, row };
}

/** A folder with these programs of this machine, and no others. */
function machineWith(...names: string[]): string {
  const bin = mkdtempSync(join(home, "bin-"));
  for (const name of names) {
    const folder = (process.env.PATH ?? "").split(":").find((one) => existsSync(join(one, name)));
    assert.ok(folder, `${name} is not here`);
    symlinkSync(join(folder, name), join(bin, name));
  }
  return bin;
}

function plant(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

test("where npm test runs, everything for it is there", () => {
  const { status, ok, row } = examine([]);
  assert.equal(status, 0);
  assert.equal(ok, true);
  assert.equal(row("Node 20").found, process.versions.node);
  assert.equal(row("npm packages").found, "as locked");
  assert.match(row("make").found ?? "", /^\d+\.\d/);
});

test("without a compiler and make it fails, and says what brings them", () => {
  const { status, row } = examine([], { PATH: machineWith() });
  assert.equal(status, 1);
  assert.match(row("C compiler").mend ?? "", /apt-get install -y gcc libc6-dev$/);
  assert.match(row("make").mend ?? "", /apt-get install -y make$/);
  const { stdout } = run([], { PATH: machineWith() });
  assert.match(stdout, /^ {2}MISSING {2}C compiler +\S*.*apt-get install -y gcc libc6-dev$/m);
  assert.match(stdout, /^Missing for npm start, npm test: C compiler, make\.$/m);
});

test("a compiler that is chosen and does not work is missing", () => {
  const { status, row } = examine([], { CC: "false" });
  assert.equal(status, 1);
  assert.equal(row("C compiler").found, null);
});

test("what only some suites want fails nothing", () => {
  const { status, row } = examine([], { PATH: machineWith("cc", "as", "ld", "make") });
  assert.equal(status, 0);
  assert.equal(row("valgrind").found, null);
  assert.match(row("valgrind").mend ?? "", /apt-get install -y valgrind$/);
});

test("a target makes its own needs required, and only those", () => {
  const env = { PATH: machineWith("cc", "as", "ld", "make") };
  const { status, row } = examine(["--for", "cortexm"], env);
  assert.equal(status, 1);
  assert.equal(row("arm-none-eabi-gcc").required, true);
  assert.match(row("arm-none-eabi-gcc").mend ?? "", /gcc-arm-none-eabi libnewlib-arm-none-eabi$/);
  assert.equal(row("ESP-IDF").required, false);
  const both = examine(["--for", "cortexm", "--for", "esp32"], env);
  assert.equal(both.row("ESP-IDF").required, true);
});

test("a cross compiler without its C library is missing", () => {
  const bin = machineWith("cc", "as", "ld", "make");
  // A compiler of that name that knows nothing of the options for the target.
  symlinkSync(join(bin, "cc"), join(bin, "arm-none-eabi-gcc"));
  assert.equal(examine([], { PATH: bin }).row("arm-none-eabi-gcc").found, null);
});

test("the SDK is told from a folder, and from an SDK whose tools are not built", () => {
  const folder = join(home, "moddable");
  mkdirSync(folder);
  assert.equal(examine([], { MODDABLE: folder }).row("the Moddable SDK").found, null);
  plant(join(folder, "tools/VERSION"), "8.2.3\n");
  const { row } = examine(["--for", "simulator"], { MODDABLE: folder });
  assert.equal(row("the Moddable SDK").found, "8.2.3");
  assert.equal(row("the SDK's tools").required, true);
  assert.match(row("the SDK's tools").mend ?? "", /^make -C "\$MODDABLE\/build\/makefiles\/\w+"$/);
});

test("another ESP-IDF than the one the SDK builds with does not do", () => {
  const version = (major: number) =>
    ["MAJOR", "MINOR", "PATCH"].map((part, index) => {
      return `set(IDF_VERSION_${part} ${[major, 0, 1][index]})\n`;
    });
  const path = join(home, "esp-idf");
  plant(join(path, "tools/cmake/version.cmake"), version(5).join(""));
  const { row } = examine([], { IDF_PATH: path });
  assert.equal(row("ESP-IDF").found, null);
  assert.match(row("ESP-IDF").mend ?? "", /git clone -b v6\.0 .*esp-idf/);
  plant(join(path, "tools/cmake/version.cmake"), version(6).join(""));
  assert.equal(examine([], { IDF_PATH: path }).row("ESP-IDF").found, "v6.0.1");
});

test("Zephyr is named by its version", () => {
  const path = join(home, "zephyr");
  plant(join(path, "VERSION"), "VERSION_MAJOR = 4\nVERSION_MINOR = 3\nPATCHLEVEL = 0\n");
  assert.equal(examine([], { ZEPHYR_BASE: path }).row("Zephyr").found, "4.3.0");
});

const alone = ["unshare", "--map-root-user", "--net"];
const canBeAlone = spawnSync(alone[0], [...alone.slice(1), "true"]).status === 0;

test("a machine without network has no multicast, and is told how to get it", {
  skip: canBeAlone ? false : "needs network namespaces: run as root, or allow user namespaces",
}, () => {
  const { stdout, status } = run(["--json", "--for", "simulator"], {}, alone);
  assert.equal(status, 1);
  const { checks } = JSON.parse(stdout) as { checks: Row[] };
  const row = checks.find(({ name }) => name === "IPv6 multicast");
  assert.equal(row?.found, null);
  // What it says is done, in a network of its own, where no address has to be asked for first.
  const trusting = "echo 0 | tee /proc/sys/net/ipv6/conf/*/accept_dad >/dev/null";
  const steps = `${trusting}; ${(row?.mend ?? "").replaceAll("sudo ", "")} && exec "$@"`;
  const mended = run(["--json"], {}, [...alone, "sh", "-c", steps, "sh"]);
  const after = JSON.parse(mended.stdout) as { checks: Row[] };
  const good = after.checks.find(({ name }) => name === "IPv6 multicast");
  assert.match(good?.found ?? mended.stderr, /^on .*lumi0/);
});

test("serial ports are found by name; without one a cable is asked for", () => {
  const folder = mkdtempSync(join(home, "dev-"));
  assert.equal(serialPorts(folder).found, undefined);
  assert.match(serialPorts(folder).mend, /connect the board/);
  for (const name of ["ttyUSB0", "ttyACM1", "tty1"]) plant(join(folder, name), "");
  assert.equal(serialPorts(folder).found, `${join(folder, "ttyACM1")}, ${join(folder, "ttyUSB0")}`);
  // Links to nothing may not be opened by anybody, root included.
  const closed = mkdtempSync(join(home, "dev-"));
  symlinkSync("/nowhere", join(closed, "ttyUSB0"));
  assert.match(serialPorts(closed).mend, /usermod -aG dialout/);
});

test("a suite that skips names the same command", () => {
  const path = machineWith();
  const code = `import(${JSON.stringify(join(ROOT, "build/node/hosts/lacks.js"))})
    .then(({ lacks }) => console.log(lacks("valgrind")));`;
  const env = { ...process.env, PATH: path };
  const { stdout } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8", env });
  const { mend } = examine([], { PATH: path }).row("valgrind");
  assert.equal(stdout.trim(), `needs valgrind: ${mend}`);
});

test("CI installs every package that a suite names", () => {
  const { checks } = examine([], { PATH: machineWith() });
  const script = readFileSync(join(ROOT, ".ci/run"), "utf8");
  const lists = [...script.matchAll(/^packages\+?=\(([^)]*)\)/gm)];
  const installed = lists.flatMap(([, names]) => names.split(/\s+/));
  const inCi = ["base", "suites", "cortexm"];
  for (const { name, purposes, mend } of checks) {
    const wanted = /apt-get install -y (.*)$/.exec(mend ?? "")?.[1].split(" ") ?? [];
    if (!purposes.some((purpose) => inCi.includes(purpose))) continue;
    for (const one of wanted) assert.ok(installed.includes(one), `.ci/run: ${one} for ${name}`);
  }
});

test("help and wrong words", () => {
  const help = run(["--help"]);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^usage: npm run doctor/);
  const target = run(["--for", "moon"]);
  assert.equal(target.status, 2);
  assert.match(target.stderr, /there is no target moon; there are simulator/);
  assert.equal(run(["--quick"]).status, 2);
});
