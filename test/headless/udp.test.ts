/**
 * Two stand-alone devices and real UDP over IPv6 multicast: in two network namespaces joined by a
 * veth pair where that is permitted (root); else both on the first interface that carries IPv6
 * multicast, which Linux's `lo` does not.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { binary, Programs } from "./lumicast.js";

const GROUP = "ff156c75000000000000000000000001";

/**
 * Runs in a namespace of its own: `$0` is its address, the first line on standard input the process
 * of the other namespace, empty in the one that gets its end of the pair from there.
 */
const SETUP = `
echo ready
read peer
[ -z "$peer" ] || ip link add lumi0 type veth peer name lumi0 netns "$peer"
until ip link show lumi0 >/dev/null 2>&1; do sleep 0.05; done
ip link set lo up && ip link set lumi0 up && ip -6 addr add "$0/64" dev lumi0 nodad
until ip -6 -o addr show dev lumi0 | grep -q link; do sleep 0.05; done
while ip -6 -o addr show dev lumi0 tentative | grep -q .; do sleep 0.05; done
exec "$@" --interface lumi0
`;

function namespacesPermitted(): boolean {
  const probe = "ip link add lumi0 type veth peer name lumi1";
  return spawnSync("unshare", ["-n", "sh", "-c", probe], { timeout: 10_000 }).status === 0;
}

function realInterface(): string | undefined {
  const entries = Object.entries(networkInterfaces());
  const found = entries.find(([name, list]) => {
    return name !== "lo" && list?.some(({ family, internal }) => family === "IPv6" && !internal);
  });
  return found?.[0];
}

const apart = namespacesPermitted();
const shared = apart ? undefined : realInterface();
const skip = !apart && shared === undefined ? "needs root, or an interface with IPv6" : false;

/** A process whose output can be waited for. */
class Device {
  readonly process: ChildProcess;
  output = "";
  #wake: (() => void) | undefined;

  constructor(command: readonly string[]) {
    this.process = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
    this.process.stdout?.on("data", (chunk) => {
      this.output += String(chunk);
      this.#wake?.();
    });
    this.process.on("close", () => this.#wake?.());
  }

  say(line: string | number): void {
    this.process.stdin?.write(`${line}\n`);
  }

  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (this.process.exitCode !== null) throw new Error(`no ${pattern} in:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

async function pair(command: readonly string[]): Promise<[Device, Device]> {
  if (!apart) {
    const here = [...command, "--interface", shared as string];
    return [new Device(here), new Device(here)];
  }
  const inside = ["unshare", "-n", "sh", "-c", SETUP];
  const a = new Device([...inside, "fd00:6c75::a", ...command]);
  const b = new Device([...inside, "fd00:6c75::b", ...command]);
  await a.line(/ready/);
  await b.line(/ready/);
  b.say("");
  a.say(b.process.pid as number);
  return [a, b];
}

test("a multicast reaches the other device, not its sender, and is answered", {
  skip,
}, async () => {
  const programs = new Programs("release");
  await programs.build();
  const [a, b] = await pair([binary("release"), ...programs.choose("udp")]);
  try {
    const [, address] = await a.line(/^address ([0-9a-f]{32})$/m);
    if (apart) assert.equal(address, "fd006c7500000000000000000000000a");
    await a.line(/^join true$/m);
    await b.line(/^join true$/m);
    a.say("down");
    await a.line(/^send true$/m);
    const heard = await b.line(/^got 010203 from ([0-9a-f]{32}) 5683 to ([0-9a-f]{32}) 5683$/m);
    assert.equal(heard[1], address);
    assert.equal(heard[2], GROUP);
    // On one computer both listen on the same port of the same address: either may get the answer.
    const answer = new RegExp(`^got 02 from [0-9a-f]{32} 5683 to ${address} 5683$`, "m");
    await (apart ? a.line(answer) : Promise.race([a.line(answer), b.line(answer)]));
    // B has left the group. Its own multicast shows that what A sent before did not come.
    a.say("up");
    a.say("down");
    await a.line(/send true[\s\S]*send true/);
    b.say("down");
    await a.line(/^got 010203/m);
    assert.equal(a.output.match(/^got 010203/gm)?.length, 1, "its own does not come back");
    assert.equal(b.output.match(/^got 010203/gm)?.length, 1, "none after leaving");
  } finally {
    a.process.kill();
    b.process.kill();
  }
});
