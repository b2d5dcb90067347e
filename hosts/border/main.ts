/**
 * npm run border: a border router between 802.15.4 (the medium) and UDP/IPv6 multicast.
 *
 * Problem: a room whose lamps are half on Wi-Fi and half on 802.15.4 is one room: one datagram of a
 * switch, protected end to end, has to reach both halves unchanged, and their answers have to come
 * back to it. Rejected: a proxy that opens and seals again (it would hold every key); a translator
 * with addresses and ports of its own (members may be bound to addresses, clients compare ports); a
 * tunnel device and the kernel's routing (Node cannot make one, and the kernel knows no MPL).
 * Choice: a router of these datagrams in one process. On the mesh it is a node with MPL and MLDv2
 * (modules/lowpan/border.ts); outside it has the devices' own addresses. To the outside it is an
 * MLD proxy (RFC 4605): what devices send to groups always goes out, what is sent there comes in
 * while one of them listens.
 *
 * What it cannot do without raw sockets: see the hop limit of what comes in (it goes on with 15 or
 * 63), answer ICMPv6 (too big: it is dropped and counted), advertise the mesh's prefix (a route
 * outside, by hand or by a router).
 */
import { fileURLToPath } from "node:url";
import { InstallationError } from "../installation/parse.js";
import { MediumError } from "../medium/error.js";
import { BorderError } from "./error.js";
import { HELP, parseOptions, UsageError } from "./options.js";
import { runRoom } from "./room.js";
import { runStation } from "./station.js";

const EXIT_USAGE = 2;

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  const { control, place } = options;
  if (options.help) process.stdout.write(HELP);
  else if (control !== undefined && place !== undefined) {
    await runStation({ ...options, control, place });
  } else {
    await runRoom(options, fileURLToPath(import.meta.url));
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const usage = error instanceof UsageError || error instanceof InstallationError;
  const known = usage || error instanceof BorderError || error instanceof MediumError;
  const text = error instanceof Error ? (known ? error.message : error.stack) : String(error);
  const more = error instanceof UsageError ? "npm run border -- --help tells the options.\n" : "";
  process.stderr.write(`${text}\n${more}`);
  process.exit(usage ? EXIT_USAGE : 1);
});
