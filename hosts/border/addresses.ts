/**
 * The mesh's devices as addresses of this computer on the network outside, so that neighbours find
 * them here (RFC 4861) and datagrams leave from them. Nobody else's packets get such a source: a
 * preferred lifetime of 0 keeps the kernel from choosing it (RFC 6724 §5, rule 3).
 */
import { spawnSync } from "node:child_process";
import { formatIpv6 } from "../installation/address.js";
import { BorderError } from "./error.js";

/** Also those that are there already, of a border that was killed. Throws BorderError. */
export function ownAddresses(link: string, addresses: readonly Uint8Array[]): void {
  const words = `dev ${link} nodad preferred_lft 0 valid_lft forever`;
  run(addresses.map((address) => `addr replace ${formatIpv6(address)}/128 ${words}`));
}

/** Never throws: what is gone is gone. */
export function disownAddresses(link: string, addresses: readonly Uint8Array[]): void {
  const lines = addresses.map((address) => `addr del ${formatIpv6(address)}/128 dev ${link}`);
  spawnSync("ip", ["-6", "-force", "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

function run(lines: readonly string[]): void {
  const input = `${lines.join("\n")}\n`;
  const { status, stderr, error } = spawnSync("ip", ["-6", "-batch", "-"], {
    input,
    encoding: "utf8",
  });
  if (error !== undefined) {
    throw new BorderError(`ip: ${error.message}; install it: sudo apt-get install iproute2`);
  }
  if (status === 0) return;
  const why = stderr.trim().split("\n")[0];
  if (/not permitted|denied/i.test(why)) {
    throw new BorderError(
      `cannot give this computer the devices' addresses (${why}); run it with sudo, or allow ` +
        "it CAP_NET_ADMIN: a border router changes its link's addresses",
    );
  }
  if (/cannot find device/i.test(why)) {
    throw new BorderError(`${why}; the computer's interfaces are listed by: ip -6 address`);
  }
  throw new BorderError(`cannot give this computer the devices' addresses: ${why}`);
}
