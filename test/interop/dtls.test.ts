/**
 * DTLS 1.2 against OpenSSL, GnuTLS, libcoap and pion, in both roles, on the headless host's XS and
 * on Node: pre-shared keys, raw public keys, certificates, resumption, connection ids.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { toHex } from "../../modules/bytes/hex.js";
import { dtlsEnd } from "./dtls-end.js";
import type { DtlsEnd } from "./firmware/dtls.js";
import { Lan, lacksLan, testOnLan } from "./lan.js";
import { ENGINES, Folder, type Place, Program, stopPrograms } from "./programs.js";
import { addressBytes } from "./world.js";

const OURS = 1;
const PEER = 2;
const PORT = 5683;
const PEER_PORT = 20220;
const PSK = { identity: "Client_identity", key: "000102030405060708090a0b0c0d0e0f" };

const folder = new Folder();
let lan: Lan;

before(async () => {
  if (lacksLan === false) lan = await Lan.start(2);
});

after(() => {
  stopPrograms();
  lan?.stop();
  folder.remove();
});

const test = testOnLan();
const ours = (): Place => lan.computer(OURS).command;
const peer = (): Place => lan.computer(PEER).command;
const peerAt = () => ({ address: toHex(addressBytes(lan.address(PEER))), port: PEER_PORT });

/** Runs with one of our ends, and ends it. */
async function withEnd(
  engine: (typeof ENGINES)[number],
  end: DtlsEnd,
  talk: (program: Program) => Promise<void>,
): Promise<void> {
  const program = await dtlsEnd(engine, ours(), folder, end);
  try {
    await talk(program);
  } finally {
    program.stop();
    await program.over();
  }
}

const OPENSSL_PSK = ["-dtls1_2", "-psk", PSK.key, "-cipher", "PSK-AES128-CCM8@SECLEVEL=0"];

function opensslClient(...more: readonly string[]): Program {
  const connect = ["-connect", `[${lan.address(OURS)}]:${PORT}`, "-psk_identity", PSK.identity];
  return new Program(peer(), "openssl", "s_client", ...OPENSSL_PSK, ...connect, ...more);
}

/** A line to the server and back, then the end. */
async function sayLine(client: Program, text: string): Promise<void> {
  await client.line(/Verify return code|Extended master secret/);
  client.say(text);
  await client.line(new RegExp(`^${text}$`));
  client.say("Q");
  await client.over();
}

for (const engine of ENGINES) {
  test(`${engine}: a client of OpenSSL with a pre-shared key, and again`, {
    skip: false,
  }, async () => {
    await withEnd(engine, { role: "server", psk: PSK }, async (server) => {
      const kept = folder.file(`${engine}.session`);
      const first = opensslClient("-sess_out", kept);
      await sayLine(first, "a line of theirs");
      assert.ok(first.lines.some((line) => /^New, TLSv1.2, Cipher is PSK-AES128-CCM8/.test(line)));
      await server.line(/opened psk Client_identity/);
      await server.line(/heard a line of theirs/);
      await server.line(/ended closed/);
      const second = opensslClient("-sess_in", kept);
      await sayLine(second, "another line");
      assert.ok(second.lines.some((line) => /^Reused, TLSv1.2/.test(line)));
      await server.line(/resumed psk Client_identity/);
    });
  });

  test(`${engine}: a server of OpenSSL with a pre-shared key, and again`, {
    skip: false,
  }, async () => {
    const at = ["-accept", `[${lan.address(PEER)}]:${PEER_PORT}`, "-nocert"];
    const server = new Program(peer(), "openssl", "s_server", ...OPENSSL_PSK, ...at);
    await server.line(/ACCEPT/);
    await withEnd(engine, { role: "client", psk: PSK, to: peerAt(), times: 2 }, async (client) => {
      await client.line(/opened psk/);
      await server.line(/a line of ours/);
      server.say("a line of theirs");
      await client.line(/heard a line of theirs/);
      await client.line(/resumed psk/);
    });
    server.stop();
    await server.over();
  });
}
