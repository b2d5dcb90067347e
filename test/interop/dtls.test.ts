/**
 * DTLS 1.2 against OpenSSL, GnuTLS, libcoap and pion, in both roles, on the headless host's XS and
 * on Node: pre-shared keys, raw public keys, certificates, resumption, connection ids.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { PION } from "../../hosts/tools.js";
import { toHex } from "../../modules/bytes/hex.js";
import { lacks } from "../support/skip.js";
import { complains, dtlsEnd } from "./dtls-end.js";
import { type TestCertificate, type TestKey, testCertificate, testKey } from "./dtls-keys.js";
import type { DtlsEnd } from "./firmware/dtls.js";
import { Lan, lacksLan, testOnLan } from "./lan.js";
import { ENGINES, Folder, hexOf, type Place, Program, stopPrograms } from "./programs.js";
import { addressBytes } from "./world.js";

const OURS = 1;
const PEER = 2;
const PORT = 5683;
const PEER_PORT = 20220;
const PSK = { identity: "Client_identity", key: hexOf("sixteen letters.") };

const folder = new Folder();
let lan: Lan;
let keys: { readonly ours: TestKey; readonly peer: TestKey };

before(async () => {
  if (lacksLan !== false) return;
  lan = await Lan.start(2);
  keys = { ours: testKey(folder, "ours"), peer: testKey(folder, "peer") };
});

after(() => {
  stopPrograms();
  lan?.stop();
  folder.remove();
});

const test = testOnLan();
const noOpenssl = lacks("OpenSSL");
const noGnutls = lacks("GnuTLS");
const noLibcoap = lacks("libcoap with DTLS");
const noPion = lacks("pion");
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
    skip: noOpenssl,
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
    skip: noOpenssl,
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

  test(`${engine}: GnuTLS's client with a raw public key`, { skip: noGnutls }, async () => {
    await withEnd(engine, rawEnd("server"), async (server) => {
      const at = ["-p", `${PORT}`, lan.address(OURS)];
      const client = new Program(peer(), "gnutls-cli", ...gnutls("cli"), "--insecure", ...at);
      await client.line(/Handshake was completed/);
      await server.line(new RegExp(`opened rawPublicKey ${keys.peer.point}`));
      client.say("a line of theirs");
      await client.line(/^a line of theirs$/);
      client.stop();
      await client.over();
    });
  });

  test(`${engine}: GnuTLS's server with a raw public key`, { skip: noGnutls }, async () => {
    const words = ["--echo", "-p", `${PEER_PORT}`, "--require-client-cert"];
    const server = new Program(peer(), "gnutls-serv", ...gnutls("serv"), ...words);
    await complains(server, "listening on IPv6");
    await withEnd(engine, { ...rawEnd("client"), to: peerAt(), times: 2 }, async (client) => {
      await client.line(new RegExp(`opened rawPublicKey ${keys.peer.point}`));
      await client.line(/heard a line of ours/);
    });
    server.stop();
    await server.over();
  });

  test(`${engine}: OpenSSL's client with certificates`, { skip: noOpenssl }, async () => {
    await withEnd(engine, certifiedEnd("server"), async (server) => {
      const at = ["-connect", `[${lan.address(OURS)}]:${PORT}`, "-verify_return_error"];
      const client = new Program(peer(), "openssl", "s_client", ...opensslCertified(), ...at);
      await sayLine(client, "a line of theirs");
      assert.ok(client.lines.some((line) => /ECDHE-ECDSA-AES128-CCM8/.test(line)));
      await server.line(/opened certificate peer.example/);
    });
  });

  test(`${engine}: OpenSSL's server with certificates`, { skip: noOpenssl }, async () => {
    const at = ["-accept", `[${lan.address(PEER)}]:${PEER_PORT}`, "-Verify", "2"];
    const server = new Program(peer(), "openssl", "s_server", ...opensslCertified(), ...at);
    await server.line(/ACCEPT/);
    await withEnd(engine, { ...certifiedEnd("client"), to: peerAt() }, async (client) => {
      await client.line(/opened certificate peer.example/);
      await server.line(/a line of ours/);
      server.say("a line of theirs");
      await client.line(/heard a line of theirs/);
    });
    server.stop();
    await server.over();
  });

  test(`${engine}: pion's client with connection ids, from another port`, {
    skip: noPion,
  }, async () => {
    await withEnd(engine, { role: "server", psk: PSK, cidBytes: 5 }, async (server) => {
      const at = [`[${lan.address(OURS)}]:${PORT}`, PSK.identity, PSK.key];
      const client = new Program(peer(), PION, "client", ...at);
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
    const at = [`[${lan.address(PEER)}]:${PEER_PORT}`, PSK.identity, PSK.key];
    const server = new Program(peer(), PION, "server", ...at);
    await server.line(/^listening$/);
    const end: DtlsEnd = { role: "client", psk: PSK, to: peerAt(), cidBytes: 0 };
    await withEnd(engine, end, async (client) => {
      await client.line(/heard a line of ours/);
    });
    server.stop();
    await server.over();
  });

  for (const library of ["openssl", "gnutls"]) {
    test(`${engine}: libcoap's client over ${library}`, { skip: noLibcoap }, async () => {
      // Whatever it asks comes back: an answer with its token is what it waits for.
      await withEnd(engine, { role: "server", psk: PSK }, async (server) => {
        const key = ["-k", Buffer.from(PSK.key, "hex").toString(), "-u", PSK.identity];
        const client = new Program(
          peer(),
          `coap-client-${library}`,
          ...["-v", "7", "-B", "3", ...key, "-m", "get"],
          `coaps://[${lan.address(OURS)}]:${PORT}/here`,
        );
        await server.line(/opened psk Client_identity/);
        await server.line(/heard/);
        client.stop();
        await client.over();
      });
    });

    test(`${engine}: libcoap's server over ${library}`, { skip: noLibcoap }, async () => {
      const key = ["-k", Buffer.from(PSK.key, "hex").toString(), "-h", "hint"];
      const at = ["-A", lan.address(PEER), "-p", `${PEER_PORT - 1}`];
      const server = new Program(peer(), `coap-server-${library}`, "-v", "7", ...key, ...at);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      // CON GET /.well-known/core, message id 1, token 01.
      const say = "41010001 01 bb2e77656c6c2d6b6e6f776e 04636f7265".replaceAll(" ", "");
      await withEnd(engine, { role: "client", psk: PSK, to: peerAt(), say }, async (client) => {
        await client.line(/opened psk/);
        await client.line(/heard 6145000101/);
      });
      server.stop();
      await server.over();
    });
  }
}

/** Both know the other's raw public key. */
function rawEnd(role: "server" | "client"): DtlsEnd {
  const own = { secret: keys.ours.secret, chain: [] };
  return { role, own, trust: { rawKeys: [keys.peer.point] } };
}

/** GnuTLS's words for TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 with raw public keys. */
function gnutls(program: "cli" | "serv"): string[] {
  const suite = "+ECDHE-ECDSA:+AES-128-CCM-8:+AEAD:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1";
  const priority = `NONE:+VERS-DTLS1.2:${suite}:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK`;
  const { privateFile, publicFile } = keys.peer;
  const files = ["--rawpkkeyfile", privateFile, "--rawpkfile", publicFile];
  return [
    "--udp",
    "--priority",
    priority,
    ...files,
    ...(program === "cli" ? ["--disable-sni"] : []),
  ];
}

/** Ours shows a chain of two, the peer's one; each believes the other's authority alone. */
function certifiedEnd(role: "server" | "client"): DtlsEnd {
  const { chain, root } = certificates();
  const own = { secret: keys.ours.secret, chain: chain.map(({ der }) => der) };
  return { role, own, trust: { anchors: [root.der] } };
}

function opensslCertified(): string[] {
  const { file, root } = certificates();
  const own = ["-key", keys.peer.privateFile, "-cert", file, "-CAfile", root.file];
  return ["-dtls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0", ...own];
}

interface Certificates {
  readonly root: TestCertificate;
  readonly chain: readonly TestCertificate[];
  /** The peer's, in PEM. */
  readonly file: string;
}

let made: Certificates | undefined;

function certificates(): Certificates {
  if (made !== undefined) return made;
  const authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
  const keyOf = (name: string) => testKey(folder, name);
  const [rootKey, middleKey] = [keyOf("root"), keyOf("middle")];
  const root = testCertificate(folder, "root", rootKey, authority);
  const byRoot = { certificate: root, key: rootKey };
  const middle = testCertificate(folder, "middle", middleKey, authority, byRoot);
  const named = (name: string) => [
    ...["basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature"],
    ...["extendedKeyUsage=serverAuth,clientAuth", `subjectAltName=DNS:${name}.example`],
  ];
  const byMiddle = { certificate: middle, key: middleKey };
  const ours = testCertificate(folder, "ours", keys.ours, named("ours"), byMiddle);
  const peers = testCertificate(folder, "peer", keys.peer, named("peer"), byRoot);
  made = { root, chain: [ours, middle], file: peers.file };
  return made;
}
