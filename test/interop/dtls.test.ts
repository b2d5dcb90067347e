/**
 * DTLS 1.2 against OpenSSL, GnuTLS, libcoap and pion, in both roles, on the headless host's XS and
 * on Node: pre-shared keys, raw public keys, certificates, resumption, connection ids.
 */
import assert from "node:assert/strict";
import { PION } from "../../hosts/tools.js";
import { lacks } from "../support/skip.js";
import { pause } from "./capture.js";
import { complains } from "./dtls-end.js";
import {
  aroundTests,
  type DtlsWorld,
  gnutls,
  OPENSSL_PSK,
  PEER_PORT,
  PORT,
  PSK,
  sayLine,
} from "./dtls-world.js";
import type { DtlsEnd } from "./firmware/dtls.js";
import { testOnLan } from "./lan.js";
import { ENGINES } from "./programs.js";

let world: DtlsWorld;
aroundTests((started) => {
  world = started;
});

const test = testOnLan();
const noOpenssl = lacks("OpenSSL");
const noGnutls = lacks("GnuTLS");
const noLibcoap = lacks("libcoap with DTLS");
const noPion = lacks("pion");

for (const engine of ENGINES) {
  test(`${engine}: a client of OpenSSL with a pre-shared key, and again`, {
    skip: noOpenssl,
  }, async () => {
    await world.with(engine, { role: "server", psk: PSK }, async (server) => {
      const kept = world.folder.file(`${engine}.session`);
      const first = world.opensslClient("-sess_out", kept);
      await sayLine(first, "a line of theirs");
      assert.ok(first.lines.some((line) => /^New, TLSv1.2, Cipher is PSK-AES128-CCM8/.test(line)));
      await server.line(/opened psk Client_identity/);
      await server.line(/heard a line of theirs/);
      await server.line(/ended closed/);
      const second = world.opensslClient("-sess_in", kept);
      await sayLine(second, "another line");
      assert.ok(second.lines.some((line) => /^Reused, TLSv1.2/.test(line)));
      await server.line(/resumed psk Client_identity/);
    });
  });

  test(`${engine}: a server of OpenSSL with a pre-shared key, and again`, {
    skip: noOpenssl,
  }, async () => {
    const server = await world.opensslServer(...OPENSSL_PSK, "-nocert");
    await world.with(
      engine,
      { role: "client", psk: PSK, to: world.peerAt, times: 2 },
      async (client) => {
        await client.line(/opened psk/);
        await server.line(/a line of ours/);
        server.say("a line of theirs");
        await client.line(/heard a line of theirs/);
        await client.line(/resumed psk/);
      },
    );
    server.stop();
    await server.over();
  });

  test(`${engine}: GnuTLS's client with a pre-shared key, and again`, {
    skip: noGnutls,
  }, async () => {
    await world.with(engine, { role: "server", psk: PSK }, async (server) => {
      const key = ["--pskusername", PSK.identity, "--pskkey", PSK.key, "--resume"];
      const at = ["--disable-sni", "-p", `${PORT}`, world.ours];
      const client = world.program("gnutls-cli", ...gnutls("+PSK"), ...key, ...at);
      await client.line(/This is a resumed session/);
      await server.line(/opened psk Client_identity/);
      await server.line(/resumed psk Client_identity/);
      client.say("a line of theirs");
      await client.line(/^a line of theirs$/);
      client.stop();
      await client.over();
    });
  });

  test(`${engine}: GnuTLS's server with a pre-shared key, and again`, {
    skip: noGnutls,
  }, async () => {
    const passwords = world.folder.file("psk.txt", `${PSK.identity}:${PSK.key}\n`);
    const words = ["--echo", "-p", `${PEER_PORT}`, "--pskpasswd", passwords];
    const server = world.program("gnutls-serv", ...gnutls("+PSK"), ...words);
    await complains(server, "listening on IPv6");
    const end: DtlsEnd = { role: "client", psk: PSK, to: world.peerAt, times: 2 };
    await world.with(engine, end, async (client) => {
      await client.line(/opened psk/);
      await client.line(/heard a line of ours/);
      await client.line(/resumed psk/);
      await client.line(/done/);
    });
    server.stop();
    await server.over();
  });

  test(`${engine}: GnuTLS's client with a raw public key`, { skip: noGnutls }, async () => {
    await world.with(engine, world.rawEnd("server"), async (server) => {
      const at = ["-p", `${PORT}`, world.ours];
      const client = world.program(
        "gnutls-cli",
        ...world.gnutlsRaw(),
        "--disable-sni",
        "--insecure",
        ...at,
      );
      await client.line(/Handshake was completed/);
      await server.line(new RegExp(`opened rawPublicKey ${world.keys.peer.point}`));
      client.say("a line of theirs");
      await client.line(/^a line of theirs$/);
      client.stop();
      await client.over();
    });
  });

  test(`${engine}: GnuTLS's server with a raw public key`, { skip: noGnutls }, async () => {
    const words = ["--echo", "-p", `${PEER_PORT}`, "--require-client-cert"];
    const server = world.program("gnutls-serv", ...world.gnutlsRaw(), ...words);
    await complains(server, "listening on IPv6");
    await world.with(
      engine,
      { ...world.rawEnd("client"), to: world.peerAt, times: 2 },
      async (client) => {
        await client.line(new RegExp(`opened rawPublicKey ${world.keys.peer.point}`));
        await client.line(/heard a line of ours/);
      },
    );
    server.stop();
    await server.over();
  });

  test(`${engine}: OpenSSL's client with certificates`, { skip: noOpenssl }, async () => {
    await world.with(engine, world.certifiedEnd("server"), async (server) => {
      const at = ["-connect", `[${world.ours}]:${PORT}`, "-verify_return_error"];
      const client = world.program("openssl", "s_client", ...world.opensslCertified(), ...at);
      await sayLine(client, "a line of theirs");
      assert.ok(client.lines.some((line) => /ECDHE-ECDSA-AES128-CCM8/.test(line)));
      await server.line(/opened certificate peer.example/);
    });
  });

  test(`${engine}: OpenSSL's server with certificates`, { skip: noOpenssl }, async () => {
    const server = await world.opensslServer(...world.opensslCertified(), "-Verify", "2");
    await world.with(
      engine,
      { ...world.certifiedEnd("client"), to: world.peerAt },
      async (client) => {
        await client.line(/opened certificate peer.example/);
        await server.line(/a line of ours/);
        server.say("a line of theirs");
        await client.line(/heard a line of theirs/);
      },
    );
    server.stop();
    await server.over();
  });

  test(`${engine}: pion's client with connection ids, from another port`, {
    skip: noPion,
  }, async () => {
    await world.with(engine, { role: "server", psk: PSK, cidBytes: 5 }, async (server) => {
      const at = [`[${world.ours}]:${PORT}`, PSK.identity, PSK.key];
      const client = world.program(PION, "client", ...at);
      await client.line(/^open$/);
      client.say("a line of theirs");
      await client.line(/^a line of theirs$/);
      client.say("move");
      await client.line(/^moved$/);
      client.say("from elsewhere");
      await client.line(/^from elsewhere$/);
      await server.line(/"moved \d+"/);
      client.stop();
      await client.over();
    });
  });

  test(`${engine}: pion's server with connection ids`, { skip: noPion }, async () => {
    const at = [`[${world.peer}]:${PEER_PORT}`, PSK.identity, PSK.key];
    const server = world.program(PION, "server", ...at);
    await server.line(/^listening$/);
    const end: DtlsEnd = { role: "client", psk: PSK, to: world.peerAt, cidBytes: 0 };
    await world.with(engine, end, async (client) => {
      await client.line(/heard a line of ours/);
    });
    server.stop();
    await server.over();
  });

  for (const library of ["openssl", "gnutls"]) {
    test(`${engine}: libcoap's client over ${library}`, { skip: noLibcoap }, async () => {
      // Whatever it asks comes back: an answer with its token is what it waits for.
      await world.with(engine, { role: "server", psk: PSK }, async (server) => {
        const key = ["-k", Buffer.from(PSK.key, "hex").toString(), "-u", PSK.identity];
        const client = world.program(
          `coap-client-${library}`,
          ...["-v", "7", "-B", "3", ...key, "-m", "get"],
          `coaps://[${world.ours}]:${PORT}/here`,
        );
        await server.line(/opened psk Client_identity/);
        await server.line(/heard/);
        client.stop();
        await client.over();
      });
    });

    test(`${engine}: libcoap's server over ${library}`, { skip: noLibcoap }, async () => {
      const key = ["-k", Buffer.from(PSK.key, "hex").toString(), "-h", "hint"];
      const at = ["-A", world.peer, "-p", `${PEER_PORT - 1}`];
      const server = world.program(`coap-server-${library}`, "-v", "7", ...key, ...at);
      await pause(1000);
      // CON GET /.well-known/core, message id 1, token 01.
      const say = "41010001 01 bb2e77656c6c2d6b6e6f776e 04636f7265".replaceAll(" ", "");
      await world.with(
        engine,
        { role: "client", psk: PSK, to: world.peerAt, say },
        async (client) => {
          await client.line(/opened psk/);
          await client.line(/heard 6145000101/);
        },
      );
      server.stop();
      await server.over();
    });
  }
}
