/**
 * Where the simulators of a test talk: an interface in a network namespace the test made, which
 * nobody else's datagrams reach; where that is not permitted, a real one. Linux's `lo` will not do:
 * it carries no IPv6 multicast.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { networkInterfaces } from "node:os";
import { createInterface } from "node:readline";

export interface Network {
  readonly interface: string;
  /** In front of every command that shall run there. */
  readonly within: readonly string[];
  stop(): void;
}

const NAME = "lumisim";
/** Waits for the address: a datagram sent while it is tentative is lost. */
const SETUP = `
ip link set lo up && ip link add ${NAME} type veth peer name ${NAME}-end &&
ip link set ${NAME} up && ip link set ${NAME}-end up &&
ip -6 addr add fd4c:554d:4943::1/64 dev ${NAME} nodad || exit 1
until ip -6 -o addr show dev ${NAME} | grep -q link; do sleep 0.05; done
while ip -6 -o addr show dev ${NAME} tentative | grep -q .; do sleep 0.05; done
echo ready
exec sleep 600
`;

/** Undefined when neither a namespace may be made nor an interface carries IPv6 multicast. */
export async function makeNetwork(): Promise<Network | undefined> {
  const root = process.getuid?.() === 0;
  const holder = spawn("unshare", [root ? "-n" : "-rn", "sh", "-c", SETUP], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (await saysReady(holder)) {
    const enter = ["nsenter", "-t", String(holder.pid), ...(root ? [] : ["-U"]), "-n"];
    const within = root ? enter : [...enter, "--preserve-credentials"];
    return { interface: NAME, within, stop: () => void holder.kill("SIGKILL") };
  }
  const real = realInterface();
  if (real === undefined) return undefined;
  console.log(`# no network namespace here: the simulators talk over ${real}`);
  return { interface: real, within: [], stop: () => {} };
}

async function saysReady(child: ChildProcess): Promise<boolean> {
  if (child.stdout === null) return false;
  child.once("error", () => {});
  for await (const line of createInterface({ input: child.stdout })) return line === "ready";
  return false;
}

function realInterface(): string | undefined {
  const entries = Object.entries(networkInterfaces());
  const found = entries.find(([name, list]) => {
    return name !== "lo" && list?.some(({ family, internal }) => family === "IPv6" && !internal);
  });
  return found?.[0];
}
