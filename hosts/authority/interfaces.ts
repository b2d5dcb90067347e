/** Which of this computer's networks leads to the devices: multicast goes out on one of them. */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import { Fault } from "./fault.js";
import { parseAt } from "./net.js";

type Networks = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

const ANY = "::";

/**
 * The one that is named, or that has the address we listen on; undefined where that is any. Throws
 * a Fault.
 */
export function networkOf(
  { address, network }: { address: string; network?: string | undefined },
  networks: Networks = networkInterfaces(),
): string | undefined {
  const sixes = Object.entries(networks).map(([name, entries = []]) => {
    return { name, addresses: entries.filter(({ family }) => family === "IPv6").map(plain) };
  });
  if (network !== undefined) {
    if (sixes.some(({ name, addresses }) => name === network && addresses.length > 0))
      return network;
    const names = sixes.filter(({ addresses }) => addresses.length > 0).map(({ name }) => name);
    throw new Fault(
      `--interface: ${network} has no IPv6 address; there are ${names.join(", ") || "none"}`,
    );
  }
  const own = canonical(address);
  return own === ANY ? undefined : sixes.find(({ addresses }) => addresses.includes(own))?.name;
}

/** Where devices of a network reach what listens `at` here. Throws a Fault. */
export function reachedAt(
  at: string,
  network: string,
  networks: Networks = networkInterfaces(),
): string {
  const { address, port } = parseAt("listen", at);
  if (canonical(address) !== ANY) return at;
  const sixes = (networks[network] ?? []).filter(({ family }) => family === "IPv6").map(plain);
  const own = sixes.find((text) => !text.startsWith("fe80:"));
  if (own !== undefined) return `[${own}]:${port}`;
  throw new Fault(
    `${network} has no IPv6 address that devices could keep; give it one (fd00::/8), ` +
      "or start the authority with --listen [ADDRESS]:PORT",
  );
}

function plain({ address }: NetworkInterfaceInfo): string {
  return canonical(address.split("%")[0]);
}

function canonical(text: string): string {
  const bytes = parseIpv6(text);
  return bytes === undefined ? text : formatIpv6(bytes);
}
