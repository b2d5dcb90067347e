/**
 * What a border router says by multicast DNS (RFC 6762), to whoever asks for its kind once, as
 * bytes of a packet written down by hand: `router.js INTERFACE`.
 */
import { createSocket } from "node:dgram";

const GROUP = "ff02::fb";
const PORT = 5353;
const PTR = 12;
const TXT = 16;
const AAAA = 28;
const SRV = 33;
const TYPE = ["_meshcop", "_udp", "local"];
/** A letter that no terminal has to show. */
const INSTANCE = ["Attic\u0007", ...TYPE];
const HOST = ["attic", "local"];

const [network] = process.argv.slice(2);
const socket = createSocket({ type: "udp6", reuseAddr: true });

const label = (text: string) => [text.length, ...Buffer.from(text)];
const name = (labels: readonly string[]) => [...labels.flatMap(label), 0];
const short = (value: number) => [value >> 8, value & 0xff];

/** RFC 1035 §4.1.3; class IN, ten seconds. */
function record(owner: readonly string[], type: number, data: readonly number[]): number[] {
  return [...name(owner), ...short(type), ...short(1), 0, 0, 0, 10, ...short(data.length), ...data];
}

const address = [0xfd, 0, 0x6c, 0x75, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa];
const answer = [
  ...record(TYPE, PTR, name(INSTANCE)),
  ...record(INSTANCE, SRV, [...short(0), ...short(0), ...short(49154), ...name(HOST)]),
  ...record(INSTANCE, TXT, label("nn=Attic")),
  ...record(HOST, AAAA, address),
];

socket.on("message", (question, from) => {
  if (!question.includes("_meshcop") || from.port === PORT) return;
  const head = [...question.subarray(0, 2), 0x84, 0, ...short(0), ...short(4), 0, 0, 0, 0];
  socket.send(Uint8Array.from([...head, ...answer]), from.port, from.address);
});
socket.bind(PORT, () => {
  socket.addMembership(GROUP, `::%${network}`);
  console.log("ready");
});
