/**
 * A commissioner as small as there can be, on a computer of its own: finds the fresh devices of its
 * link, and joins the first one by its label.
 *
 *   commissioner.js INTERFACE EUI64 LABEL    in hex; then, line by line on standard input:
 *     discover    prints `found LINKS`, or `found nobody`, after three seconds
 *     get | idn N | join FILE                prints `answer CODE and what was said`
 */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Chance } from "../../hosts/authority/chance.js";
import { NodeClock } from "../../hosts/authority/clock.js";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { parseIpv6 } from "../../hosts/installation/address.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { emitMessage, NON, type Option, parseMessage } from "../../modules/coap/message.js";
import {
  addOption,
  addPath,
  CBOR,
  codeText,
  GET,
  POST,
  PUT,
  TEXT_PLAIN,
  URI_QUERY,
} from "../../modules/coap/options.js";
import { joinKey, labelAfter } from "../../modules/commission/label.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Ask } from "../../modules/secure/request.js";

const PLAIN = 5683;
const SECURE = 5684;
const LEISURE_MS = 3000;

const [link, eui, secret] = process.argv.slice(2);
const eui64 = fromHex(eui);
const crypto = new NodeCrypto();
const socket = createSocket("udp6");
/** Whom it found last, with the zone it was heard by. */
let device: { readonly at: Uint8Array; readonly text: string; readonly n: number } | undefined;
let links: string[] = [];
let mid = 0;

const channels = new DtlsChannels(
  {
    clock: new NodeClock(),
    random: new Chance(),
    crypto,
    send: ({ port }, bytes) => socket.send(bytes, port, device?.text),
    handler: undefined,
  },
  { client: () => ({ psk: keyFor(device?.n ?? 0) }) },
);

function keyFor(n: number) {
  const label = labelAfter(crypto, eui64, { printed: fromHex(secret), n });
  if (label === undefined) throw new Error(`label ${n}`);
  return joinKey(crypto, { eui64, label, n });
}

function discover(): void {
  const options: Option[] = [];
  addPath(options, "/.well-known/core");
  addOption(options, URI_QUERY, utf8("rt=lumicast.fresh"));
  const token = Uint8Array.of(7);
  const bytes = emitMessage({
    type: NON,
    code: GET,
    mid: mid++,
    token,
    options,
    payload: undefined,
  });
  links = [];
  socket.send(bytes, PLAIN, `ff02::fd%${link}`);
  setTimeout(() => console.log(`found ${links.join(" ") || "nobody"}`), LEISURE_MS);
}

socket.on("message", (message, { address, port }) => {
  const at = parseIpv6(address.split("%")[0]);
  const bytes = new Uint8Array(message);
  if (at === undefined) return;
  if (port === SECURE) {
    channels.receive({ address: at, port }, bytes);
    return;
  }
  const parsed = parseMessage(bytes);
  const said = parsed.ok ? (fromUtf8(parsed.value.payload ?? new Uint8Array(0)) ?? "?") : "?";
  links.push(said);
  device = { at, text: address, n: Number(/n="(\d+)"/.exec(said)?.[1]) };
});

function ask(question: Ask): void {
  const to: Endpoint = { address: device?.at ?? new Uint8Array(16), port: SECURE };
  channels.ask(to, question, (answered) => {
    if (!answered.ok) return console.log(`answer ${answered.why}`);
    const { code, payload = new Uint8Array(0) } = answered.response;
    const text = code >= 128 ? fromUtf8(payload) : toHex(payload);
    console.log(`answer ${codeText(code)} ${text}`);
  });
}

function obey(line: string): void {
  const [word, argument] = line.split(" ");
  if (word === "discover") discover();
  if (word === "get") ask({ method: GET, path: ["join"] });
  if (word === "idn")
    ask({ method: PUT, path: ["idn"], format: TEXT_PLAIN, payload: utf8(argument) });
  if (word === "join") {
    const payload = new Uint8Array(readFileSync(argument));
    ask({ method: POST, path: ["join"], format: CBOR, payload });
  }
}

socket.bind(0, () => {
  console.log("ready");
  createInterface({ input: process.stdin }).on("line", obey);
});
