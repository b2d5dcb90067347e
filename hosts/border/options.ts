/** The command line of `npm run border`. */
import { parseArgs } from "node:util";
import { ENGINES, type Engine } from "../medium/launch.js";

/** A command line that cannot be used; shown without a stack. */
export class UsageError extends Error {}

export interface BorderOptions {
  readonly help: boolean;
  readonly json: boolean;
  readonly file: string | undefined;
  readonly link: string;
  readonly ports: readonly number[];
  readonly querySeconds: number | undefined;
  readonly pcap: string | undefined;
  readonly engine: Engine;
  /** A folder for what devices on Wi-Fi are told. */
  readonly wifi: string | undefined;
  /** As the medium starts it: its socket, and the border's place on the mesh. */
  readonly control: string | undefined;
  readonly place: string | undefined;
}

const COAP_PORT = 5683;
const PORTS_MAX = 8;
/** Longer ones would have to be rounded in a query (RFC 3810 §5.1.9). */
const QUERY_SECONDS_MAX = 127;

export const HELP = `npm run border -- --file FILE --interface NAME [OPTIONS]

A border router: the 802.15.4 half of an installation runs here on the simulated radio, in real
time, and its border passes datagrams between it and UDP/IPv6 on an interface of this computer.
Groups are joined outside while a device of the mesh listens to them (MLDv2). Addresses and ports
stay as they are: each device's address is an address of this computer meanwhile, which takes
CAP_NET_ADMIN. The border holds no keys.

  --file FILE        an installation file with "border" in its network, and "wifi" in devices
  --interface NAME   of the network outside, for example eth0
  --port N           a UDP port besides ${COAP_PORT} and the groups' own; again for more
  --query SECONDS    between two questions who listens, 1 to ${QUERY_SECONDS_MAX} (default 125)
  --pcap FILE        every frame on the air, for Wireshark (link type 802.15.4 with FCS)
  --engine NAME      ${ENGINES.join(", ")} (default release)
  --wifi FOLDER      only writes what each device on Wi-Fi is told, keys included, to FOLDER, and
                     prints how it is started on a computer; boards: npm run flash
  --json             one JSON object a line: the border's status, lamps as they turn
  --help             this text

Lines on standard input are presses: the name of a switch. Ctrl-C ends it and takes the addresses
away. Neighbours outside need a route to the mesh, which is on their own link:

  sudo ip -6 route add PREFIX dev eth0      the network's prefix in the file
`;

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;
const SPECIFICATION = {
  file: TEXT,
  interface: TEXT,
  port: { type: "string", multiple: true },
  query: TEXT,
  pcap: TEXT,
  engine: TEXT,
  wifi: TEXT,
  control: TEXT,
  place: TEXT,
  json: FLAG,
  help: { type: "boolean", short: "h" },
} as const;

/** Throws UsageError. */
export function parseOptions(args: readonly string[]): BorderOptions {
  const values = read(args);
  const isStation = values.control !== undefined && values.place !== undefined;
  if (values.help !== true) {
    if (values.interface === undefined) {
      throw new UsageError("--interface is missing: name that of the network outside, as eth0");
    }
    if (!isStation && values.file === undefined) {
      throw new UsageError("--file is missing: name an installation file that has a border");
    }
  }
  const extra = (values.port ?? []).map((text) => whole("port", text, 65_535));
  const ports = [...new Set([COAP_PORT, ...extra])];
  if (ports.length > PORTS_MAX) {
    throw new UsageError(`--port: ${ports.length} ports; ${PORTS_MAX} at most, ${COAP_PORT} one`);
  }
  const engine = ENGINES.find((name) => name === (values.engine ?? "release"));
  if (engine === undefined) {
    throw new UsageError(`--engine ${values.engine}: give one of ${ENGINES.join(", ")}`);
  }
  const { file, pcap, wifi, control, place, query } = values;
  return {
    help: values.help === true,
    json: values.json === true,
    link: values.interface ?? "",
    querySeconds: query === undefined ? undefined : whole("query", query, QUERY_SECONDS_MAX),
    ...{ file, pcap, wifi, control, place, ports, engine },
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: SPECIFICATION, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function whole(name: string, text: string, most: number): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} ${text}: give a whole number from 1 to ${most}`);
}
