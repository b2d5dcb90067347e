/**
 * Levels above 2 over DTLS: libcoap's client is the manager of our luminaire, as it is sold, on XS
 * and on Node; whoever has another key, or a lower right, is refused.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import type { Cbor } from "../../modules/cbor/encode.js";
import { SECURE_PORT } from "../../modules/device/channels.js";
import { lacks } from "../support/skip.js";
import { Lan, lacksLan, testOnLan } from "./lan.js";
import { device, ENGINES, type Engine, Folder, Program, stopPrograms } from "./programs.js";
import { addressBytes, eui64Of, pairGroup, provisioningOf } from "./world.js";

const LAMPS: Readonly<Record<Engine, number>> = { XS: 1, Node: 2 };
const PEER = 3;
/** Where the KDC would be; nobody answers there. */
const NOBODY = 4;
const KEY = "sixteen letters.";
const IDENTITY = "luminaire";
const MANAGER = Uint8Array.of(9);
const test = testOnLan();
const skip = lacks("libcoap with DTLS");

const folder = new Folder();
const lamps = new Map<Engine, Program>();
let lan: Lan;

before(async () => {
  if (lacksLan !== false || skip !== false) return;
  lan = await Lan.start(4);
  for (const engine of ENGINES) lamps.set(engine, await lampOn(engine));
});

after(() => {
  stopPrograms();
  lan?.stop();
  folder.remove();
});

function authority(): ReadonlyMap<number, Cbor> {
  const center = new Map<Cbor, Cbor>([
    [0, addressBytes(lan.address(NOBODY))],
    [1, SECURE_PORT],
  ]);
  return new Map<number, Cbor>([
    [0, "kdc"],
    [1, Uint8Array.of(1)],
    [2, new Uint8Array(32).fill(1)],
    [3, "hall"],
    [4, new Uint8Array(Buffer.from(IDENTITY))],
    [5, new Uint8Array(Buffer.from(KEY))],
    [6, center],
    [8, MANAGER],
  ]);
}

function lampOn(engine: Engine): Promise<Program> {
  const number = LAMPS[engine];
  const blob = provisioningOf({
    number,
    role: "luminaire",
    securities: [pairGroup(1, { own: "01", peer: "02" })],
    appGroups: [[1, 1, lan.address(PEER)]],
    rights: [["09", null, 3]],
    authority: authority(),
  });
  const lamp = { name: `secure-${engine}`, eui64: eui64Of(number), blob };
  return device(engine, lan.computer(number).command, lamp, folder);
}

/** What libcoap's client says: messages, and what they hold. */
async function asks(
  engine: Engine,
  library: string,
  path: string,
  more: readonly string[] = [],
  [identity, key] = [IDENTITY, KEY],
): Promise<string> {
  const at = `coaps://[${lan.address(LAMPS[engine])}]:${SECURE_PORT}${path}`;
  const words = ["-v", "6", "-B", "5", "-u", identity, "-k", key, ...more, at];
  const { command } = lan.computer(PEER);
  const client = new Program(command, `coap-client-${library}`, ...words);
  await client.over();
  return client.lines.join("\n");
}

for (const engine of ENGINES) {
  for (const library of ["openssl", "gnutls"]) {
    test(`${engine}: libcoap over ${library} sets a parameter, level 3, and no more`, {
      skip,
    }, async () => {
      const say = (path: string, ...more: string[]) => asks(engine, library, path, more);
      const value = library === "gnutls" ? "1" : "2";
      const told = new RegExp(`c:2.05 .*:: '${value}'`);
      await say("/par/power", "-m", "put", "-e", value);
      assert.match(await say("/par/power"), told);
      assert.match(await say("/par/power", "-m", "put", "-e", "9"), /c:4\.00/);
      assert.match(await say("/3/0/5", "-m", "post"), /c:4\.03/, "a factory reset is level 4");
      assert.match(await say("/fw/state"), /c:4\.03/, "an update is level 5");
      assert.match(await say("/keys/push", "-m", "post", "-e", "x"), /c:4\.00/);
      const core = await say("/.well-known/core", "-b", "64");
      assert.match(core, /<\/l>;rt="lumicast\.light"/);
      assert.match(core, /<\/idn>/, "in blocks");
      const wrong = [IDENTITY, "another letters."] as const;
      assert.doesNotMatch(await asks(engine, library, "/par/power", [], [...wrong]), /c:2/);
      const unknown = ["nobody", KEY] as const;
      assert.doesNotMatch(await asks(engine, library, "/par/power", [], [...unknown]), /c:2/);
      assert.match(await say("/par/power"), told, "it lives");
    });
  }
}
