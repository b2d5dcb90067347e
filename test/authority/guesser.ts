/**
 * One who guesses labels as fast as he can: `guesser.js ADDRESS COUNT` begins so many handshakes
 * with a fresh device, each with another secret, and prints how many of them opened.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { Chance } from "../../hosts/authority/chance.js";
import { NodeClock } from "../../hosts/authority/clock.js";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { parseIpv6 } from "../../hosts/installation/address.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { GET } from "../../modules/coap/options.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Answered } from "../../modules/secure/request.js";

const PORT = 5684;
/** Nothing gets lost here; who is not answered was refused. */
const TIMES = { firstMicros: 1_000_000, longestMicros: 1_000_000, retransmissions: 0 };

const [text, count] = process.argv.slice(2);
const address = parseIpv6(text) as Uint8Array;

async function guess(): Promise<boolean> {
  const socket = createSocket("udp6");
  const clock = new NodeClock();
  const psk = { identity: utf8("label 0"), key: new Uint8Array(randomBytes(16)) };
  const channels = new DtlsChannels(
    {
      ...{ clock, random: new Chance(), crypto: new NodeCrypto(), handler: undefined },
      send: ({ port }, bytes) => socket.send(bytes, port, text),
    },
    { client: () => ({ psk }), times: TIMES },
  );
  socket.on("message", (bytes) => {
    channels.receive({ address, port: PORT }, new Uint8Array(bytes));
  });
  const ask = { method: GET, path: ["join"] };
  const answered = await new Promise<Answered>((resolve) => {
    channels.ask({ address, port: PORT }, ask, resolve);
  });
  channels.stop();
  clock.stop();
  socket.close();
  return answered.ok;
}

let opened = 0;
for (let made = 0; made < Number(count); made++) if (await guess()) opened++;
console.log(`opened ${opened} of ${count}`);
