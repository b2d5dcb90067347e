/**
 * Our OSCORE request by way of libcoap's proxy: DTLS to the proxy, plain UDP behind it, protected
 * from end to end. The client is ours on XS and on Node, so is the luminaire; tshark sees what the
 * proxy sees.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { toHex } from "../../modules/bytes/hex.js";
import { GET, PUT } from "../../modules/coap/options.js";
import { lacks } from "../support/skip.js";
import { captured, fields, pause } from "./capture.js";
import type { Proxied } from "./firmware/proxied.js";
import { type Lan, testOnLan } from "./lan.js";
import {
  device,
  ENGINES,
  type Engine,
  Folder,
  HOST,
  hexOf,
  image,
  lanAround,
  Program,
} from "./programs.js";
import {
  addressBytes,
  eui64Of,
  PAIR_SALT,
  PAIR_SECRET,
  pairGroup,
  provisioningOf,
} from "./world.js";

const LAMP = 1;
const PROXY = 2;
const CLIENT = 3;
/** libcoap's server listens for DTLS one above. */
const PROXY_PORT = 5682;
const PSK = { identity: "Client_identity", key: hexOf("sixteen letters.") };
const test = testOnLan();
const skip = lacks("libcoap with DTLS") || lacks("tshark");

const folder = new Folder();
let lan: Lan;
let proxies = 0;

lanAround({ computers: 3, folder, skip }, (made) => {
  lan = made;
});

function lampOn(engine: Engine): Promise<Program> {
  const blob = provisioningOf({
    number: LAMP,
    role: "luminaire",
    securities: [pairGroup(1, { own: "01", peer: "02" })],
    appGroups: [[1, 1, lan.address(PROXY)]],
    rights: [["02", null, 3]],
  });
  const lamp = { name: `lamp-${engine}-${proxies}`, eui64: eui64Of(LAMP), blob };
  return device(engine, lan.computer(LAMP).command, lamp, folder);
}

async function proxy(library: string): Promise<Program> {
  const key = ["-k", Buffer.from(PSK.key, "hex").toString(), "-h", "hint"];
  // Straight on to whoever is named; it is known as nobody itself.
  const at = ["-A", lan.address(PROXY), "-p", `${PROXY_PORT}`, "-P", ",proxy.example"];
  const { command } = lan.computer(PROXY);
  const program = new Program(command, `coap-server-${library}`, "-v", "7", ...key, ...at);
  await pause(1000);
  return program;
}

async function client(engine: Engine, what: Proxied): Promise<Program> {
  const name = `proxied-${proxies++}`;
  const flash = folder.file(`${name}.flash`);
  const { command } = lan.computer(CLIENT);
  if (engine === "Node") {
    const main = join(ROOT, "build/node/test/interop/node/proxied.js");
    return new Program(command, process.execPath, main, flash, JSON.stringify(what));
  }
  const from = (path: string) => JSON.stringify(join(ROOT, path));
  const lines = [
    `import { board } from ${from("platforms/headless/board.ts")};`,
    `import { ProxiedProgram } from ${from("test/interop/firmware/proxied.ts")};`,
    `const WHAT = ${JSON.stringify(JSON.stringify(what))};`,
    "export default function main() { new ProxiedProgram(board(), JSON.parse(WHAT)); }",
  ];
  const built = image(name, folder.file(`${name}.ts`, `${lines.join("\n")}\n`));
  const provision = folder.file("proxied.cbor", Uint8Array.of(0xa0));
  const files = ["--provision", provision, "--flash", flash, "--eui64", "02000000000000d7"];
  return new Program(command, HOST, "run", built, ...files);
}

/** As Wireshark is told: this port is DTLS with CoAP inside, under this key. */
const AS_DTLS = ["-d", "udp.port==5683,dtls", "-d", "dtls.port==5683,coap"];
const WITH_KEY = [...AS_DTLS, "-o", `dtls.psk:${PSK.key}`];
const CONTEXT = ["02", "01", PAIR_SECRET, PAIR_SALT, "", "AES-CCM-16-64-128 (CCM*)"];
const DECRYPT = ["-o", `uat:oscore_contexts:${CONTEXT.map((word) => `"${word}"`).join(",")}`];
const OUTSIDE = ["coap.code", "coap.opt.uri_path", "coap.opt.proxy_uri"];

const ASKS = [
  { method: PUT, path: ["par", "power"], payload: hexOf("1") },
  { method: GET, path: ["par", "power"] },
  { method: PUT, path: ["3311", "0", "5850"], payload: hexOf("1") },
  { method: GET, path: [".well-known", "core"] },
];

for (const engine of ENGINES) {
  for (const library of ["openssl", "gnutls"]) {
    test(`${engine}: our OSCORE passes libcoap's proxy over ${library}, DTLS before it`, {
      skip,
    }, async () => {
      const lamp = await lampOn(engine);
      const between = await proxy(library);
      const uri = `coap://[${lan.address(LAMP)}]`;
      const what: Proxied = {
        ...{ psk: PSK, uri, asks: ASKS },
        proxy: { address: toHex(addressBytes(lan.address(PROXY))), port: PROXY_PORT + 1 },
        pair: { secret: PAIR_SECRET, salt: PAIR_SALT, own: "02", peer: "01" },
      };
      const path = folder.file(`proxy-${engine}-${library}.pcapng`);
      await captured(lan, path, async () => {
        const program = await client(engine, what);
        await program.line(/"log":"done"/, 30);
        const answers = program.lines.flatMap((one) => /"log":"answer (.*)"/.exec(one)?.[1] ?? []);
        assert.deepEqual(answers.slice(0, 3), ["68 ", "69 31", "68 "]);
        assert.match(Buffer.from(answers[3].slice(3), "hex").toString(), /^<\/l>;rt="lumicast/);
        await lamp.line(/"light":\{"level":254/);
        for (const one of [program, between, lamp]) {
          one.stop();
          await one.over();
        }
      });
      seenByProxy(path, uri);
    });
  }
}

/** POST and 2.04, for whom, and nothing else; who has the context reads the rest. */
function seenByProxy(path: string, uri: string): void {
  const before = ["-Y", `coap && ipv6.src==${lan.address(CLIENT)}`];
  const told = fields(path, OUTSIDE, ...WITH_KEY, ...before).filter(([code]) => code !== "0");
  assert.deepEqual(told, Array(ASKS.length).fill(["2", "", uri]));
  assert.deepEqual(fields(path, OUTSIDE, ...AS_DTLS, ...before), [], "without the key, nothing");
  const behind = ["-Y", `coap && ipv6.dst==${lan.address(LAMP)}`];
  const passed = fields(path, OUTSIDE, ...behind);
  assert.deepEqual(passed, Array(ASKS.length).fill(["2", "", ""]));
  const read = fields(path, ["oscore.code", "oscore.opt.uri_path"], ...DECRYPT, ...behind);
  const wanted = ASKS.map(({ method, path: words }) => [`${method}`, words.join(",")]);
  assert.deepEqual(read, wanted);
}
