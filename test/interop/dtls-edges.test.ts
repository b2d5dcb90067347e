/**
 * DTLS 1.2 where it gets rare, against others and as Wireshark reads it: restarts of either end,
 * flights in fragments, a server that makes a client begin, renegotiation refused, our own two
 * engines with each other.
 */
import assert from "node:assert/strict";
import { lacks } from "../support/skip.js";
import { captured, fields, pause, remarks } from "./capture.js";
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
const noTshark = lacks("tshark");
/** Parts of messages, which are shorter than these. */
const PIECES = "dtls.handshake.fragment_length < dtls.handshake.length";
/** Wireshark's words. */
const RESUMED = "This session reuses previously negotiated keys (Session resumption)";
const AS_DTLS = ["-d", "udp.port==5683,dtls", "-d", "dtls.port==5683,coap"];

for (const engine of ENGINES) {
  test(`${engine}: our server restarts, and a client of OpenSSL resumes its session`, {
    skip: noOpenssl,
  }, async () => {
    const kept = world.folder.file(`${engine}-restart.session`);
    const end: DtlsEnd = { role: "server", psk: PSK };
    const name = `server-${engine}`;
    const first = async () => sayLine(world.opensslClient("-sess_out", kept), "before");
    await world.with(engine, end, first, name);
    const second = async () => {
      const client = world.opensslClient("-sess_in", kept);
      await sayLine(client, "after");
      assert.ok(client.lines.some((line) => /^Reused, TLSv1.2/.test(line)));
    };
    await world.with(engine, end, second, name);
  });

  test(`${engine}: our client restarts, and resumes its session with OpenSSL's server`, {
    skip: noOpenssl,
  }, async () => {
    const server = await world.opensslServer(...OPENSSL_PSK, "-nocert");
    const end: DtlsEnd = { role: "client", psk: PSK, to: world.peerAt };
    for (const [round, word] of ["opened", "resumed"].entries()) {
      const talk = async (client: { line(pattern: RegExp): Promise<string> }) => {
        await client.line(new RegExp(`${word} psk`));
        server.say(`line ${round}`);
        await client.line(new RegExp(`heard line ${round}`));
        await client.line(/ended closed/);
        // OpenSSL hears one peer at a time, and says its farewell to this one first.
        await pause(1000);
      };
      await world.with(engine, end, talk, `client-${engine}`);
    }
    server.stop();
    await server.over();
  });

  test(`${engine}: flights in fragments, ours and OpenSSL's`, {
    skip: noOpenssl || noTshark,
  }, async () => {
    const small = { datagramBytes: 300 };
    const path = world.folder.file(`${engine}-fragments.pcapng`);
    await captured(world.lan, path, async () => {
      await world.with(engine, { ...world.certifiedEnd("server"), ...small }, async (server) => {
        const at = ["-connect", `[${world.ours}]:${PORT}`, "-mtu", "300"];
        const words = world.opensslCertified();
        await sayLine(world.program("openssl", "s_client", ...words, ...at), "in pieces");
        await server.line(/opened certificate peer.example/);
      });
      const server = await world.opensslServer(...world.opensslCertified(), "-mtu", "300");
      const end = { ...world.certifiedEnd("client"), ...small, to: world.peerAt };
      await world.with(engine, end, async (client) => {
        await client.line(/opened certificate peer.example/);
        await server.line(/a line of ours/);
      });
      server.stop();
      await server.over();
    });
    const ours = `ipv6.src==${world.ours}`;
    const theirs = `ipv6.src==${world.peer}`;
    for (const who of [ours, theirs]) {
      const [longest] = fields(path, ["udp.length"], "-Y", who)
        .map(Number)
        .sort((a, b) => b - a);
      assert.ok(longest <= 308, `${who}: ${longest} bytes`);
      const pieces = fields(path, ["frame.number"], ...AS_DTLS, "-Y", `${who} && ${PIECES}`);
      assert.ok(pieces.length >= 3, `${who}: ${pieces.length} pieces`);
    }
  });

  test(`${engine}: somebody's HelloRequest makes our client begin, and OpenSSL's server goes on`, {
    skip: noOpenssl,
  }, async () => {
    const end: DtlsEnd = { role: "client", psk: PSK, helloRequest: world.peerAt };
    await world.with(engine, end, async (client) => {
      // RFC 6347 §4.2.2: a HelloRequest, message 0, no body.
      const request = "16feff0000000000000000000c000000000000000000000000";
      const to = `${PORT}, "${world.ours}"`;
      const ask = `const socket = require("node:dgram").createSocket("udp6");
        socket.bind(${PEER_PORT}, "${world.peer}");
        socket.send(Buffer.from("${request}", "hex"), ${to}, () => socket.close());`;
      await world.program(process.execPath, "-e", ask).end();
      await client.line(/asked/);
      const server = await world.opensslServer(...OPENSSL_PSK, "-nocert");
      await client.line(/opened psk/);
      await server.line(/a line of ours/);
      server.stop();
      await server.over();
    });
  });

  test(`${engine}: a server makes our other engine's client begin; Wireshark decrypts it all`, {
    skip: noTshark,
  }, async () => {
    const other = engine === "XS" ? "Node" : "XS";
    const path = world.folder.file(`${engine}-decrypted.pcapng`);
    // CON GET /here, message id 1, token 01; the server says it back.
    const say = "4101000101b468657265";
    await captured(world.lan, path, async () => {
      const to = { address: world.peerAt.address, port: PORT };
      const client = { psk: PSK, to: world.oursAt, helloRequest: world.oursAt, say, times: 2 };
      const program = await world.other(other, { role: "client", ...client });
      await world.with(engine, { role: "server", psk: PSK, helloRequest: to }, async (server) => {
        await program.line(/opened psk/);
        await server.line(/opened psk Client_identity/);
        await program.line(/heard 4101000101b468657265/);
        await server.line(/resumed psk Client_identity/);
        await program.line(/done/);
      });
      program.stop();
      await program.over();
    });
    const withKey = [...AS_DTLS, "-o", `dtls.psk:${PSK.key}`];
    assert.ok(remarks(path, ...withKey).includes(RESUMED));
    const types = fields(path, ["dtls.handshake.type"], ...withKey).flatMap(([all]) =>
      all.split(",").filter((type) => type !== ""),
    );
    // Its own, then those of a whole handshake, then a resumption.
    assert.deepEqual(types, "0 1 3 1 2 14 16 20 20 1 3 1 2 20 20".split(" "));
    const data = fields(path, ["coap.code", "coap.opt.uri_path"], ...withKey, "-Y", "coap");
    assert.deepEqual(data, Array(4).fill(["1", "here"]));
    assert.deepEqual(fields(path, ["coap.code"], ...AS_DTLS, "-Y", "coap"), []);
  });

  test(`${engine}: renegotiation is refused to OpenSSL and GnuTLS`, {
    skip: noOpenssl || noGnutls,
  }, async () => {
    await world.with(engine, { role: "server", psk: PSK }, async (server) => {
      const client = world.opensslClient();
      await client.line(/Verify return code|Extended master secret/);
      client.say("R");
      await complains(client, "no renegotiation");
      client.stop();
      await client.over();
      await server.line(/dropped unsolicited/);
    });
    await world.with(engine, { role: "server", psk: PSK }, async (server) => {
      const key = ["--pskusername", PSK.identity, "--pskkey", PSK.key, "--inline-commands"];
      const at = ["--disable-sni", "-p", `${PORT}`, world.ours];
      const client = world.program("gnutls-cli", ...gnutls("+PSK"), ...key, ...at);
      await server.line(/opened psk/);
      await client.line(/Handshake was completed/);
      client.say("^renegotiate^");
      // It asks again and again; we never hang up.
      await client.line(/No renegotiation is allowed/);
      await server.line(/dropped unsolicited/);
      assert.ok(!server.lines.some((line) => line.includes("ended")));
      client.stop();
      await client.over();
    });
    const server = await world.opensslServer(...OPENSSL_PSK, "-nocert");
    const end: DtlsEnd = { role: "client", psk: PSK, to: world.peerAt };
    await world.with(engine, end, async (client) => {
      await client.line(/opened psk/);
      await server.line(/a line of ours/);
      server.say("r");
      await client.line(/dropped unsolicited/);
    });
    server.stop();
    await server.over();
  });
}
