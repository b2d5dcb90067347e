/**
 * A Lan with one of our ends of DTLS on a computer and somebody else's on another; keys of both,
 * and the words that make OpenSSL and GnuTLS speak our suites.
 */
import { after, before } from "node:test";
import { toHex } from "../../modules/bytes/hex.js";
import { dtlsEnd } from "./dtls-end.js";
import { type TestCertificate, type TestKey, testCertificate, testKey } from "./dtls-keys.js";
import type { DtlsEnd } from "./firmware/dtls.js";
import { Lan, lacksLan } from "./lan.js";
import { type Engine, Folder, hexOf, Program, stopPrograms } from "./programs.js";
import { addressBytes } from "./world.js";

const OURS = 1;
const PEER = 2;
export const PORT = 5683;
export const PEER_PORT = 20220;
export const PSK = { identity: "Client_identity", key: hexOf("sixteen letters.") };
export const OPENSSL_PSK = ["-dtls1_2", "-psk", PSK.key, "-cipher", "PSK-AES128-CCM8@SECLEVEL=0"];

interface Certificates {
  readonly root: TestCertificate;
  /** Ours and the authority between. */
  readonly chain: readonly TestCertificate[];
  /** The peer's, in PEM. */
  readonly file: string;
}

export class DtlsWorld {
  readonly lan: Lan;
  readonly folder = new Folder();
  readonly keys: { readonly ours: TestKey; readonly peer: TestKey };
  #certificates: Certificates | undefined = undefined;

  private constructor(lan: Lan) {
    this.lan = lan;
    this.keys = { ours: testKey(this.folder, "ours"), peer: testKey(this.folder, "peer") };
  }

  static async start(): Promise<DtlsWorld> {
    return new DtlsWorld(await Lan.start(2));
  }

  stop(): void {
    stopPrograms();
    this.lan.stop();
    this.folder.remove();
  }

  get ours(): string {
    return this.lan.address(OURS);
  }

  get peer(): string {
    return this.lan.address(PEER);
  }

  get oursAt() {
    return { address: toHex(addressBytes(this.ours)), port: PORT };
  }

  get peerAt() {
    return { address: toHex(addressBytes(this.peer)), port: PEER_PORT };
  }

  /** A program on the peer's computer. */
  program(...words: readonly string[]): Program {
    return new Program(this.lan.computer(PEER).command, ...words);
  }

  /** An end of ours on the peer's computer, at `PORT`. */
  other(engine: Engine, end: DtlsEnd): Promise<Program> {
    return dtlsEnd(engine, this.lan.computer(PEER).command, this.folder, end);
  }

  /** Runs with one of our ends, and ends it. With `name` it finds what it left in flash before. */
  async with(
    engine: Engine,
    end: DtlsEnd,
    talk: (program: Program) => Promise<void>,
    name?: string,
  ): Promise<void> {
    const program = await dtlsEnd(engine, this.lan.computer(OURS).command, this.folder, end, name);
    try {
      await talk(program);
    } finally {
      program.stop();
      await program.over();
    }
  }

  opensslClient(...more: readonly string[]): Program {
    const connect = ["-connect", `[${this.ours}]:${PORT}`, "-psk_identity", PSK.identity];
    return this.program("openssl", "s_client", ...OPENSSL_PSK, ...connect, ...more);
  }

  /** One that listens. */
  async opensslServer(...more: readonly string[]): Promise<Program> {
    const at = ["-accept", `[${this.peer}]:${PEER_PORT}`];
    const server = this.program("openssl", "s_server", ...at, ...more);
    await server.line(/ACCEPT/);
    return server;
  }

  /** Both know the other's raw public key. */
  rawEnd(role: "server" | "client"): DtlsEnd {
    const own = { secret: this.keys.ours.secret, chain: [] };
    return { role, own, trust: { rawKeys: [this.keys.peer.point] } };
  }

  /** GnuTLS's words for TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 with raw public keys. */
  gnutlsRaw(): string[] {
    const suite = "+ECDHE-ECDSA:+GROUP-SECP256R1";
    const { privateFile, publicFile } = this.keys.peer;
    const files = ["--rawpkkeyfile", privateFile, "--rawpkfile", publicFile];
    return [...gnutls(`${suite}:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK`), ...files];
  }

  /** Ours shows a chain of two, the peer's one; each believes the other's authority alone. */
  certifiedEnd(role: "server" | "client"): DtlsEnd {
    const { chain, root } = this.#certified();
    const own = { secret: this.keys.ours.secret, chain: chain.map(({ der }) => der) };
    return { role, own, trust: { anchors: [root.der] } };
  }

  opensslCertified(): string[] {
    const { file, root } = this.#certified();
    const own = ["-key", this.keys.peer.privateFile, "-cert", file, "-CAfile", root.file];
    return ["-dtls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0", ...own];
  }

  #certified(): Certificates {
    this.#certificates ??= certificates(this.folder, this.keys.ours, this.keys.peer);
    return this.#certificates;
  }
}

/** A line to the server and back, then the end. */
export async function sayLine(client: Program, text: string): Promise<void> {
  await client.line(/Verify return code|Extended master secret/);
  client.say(text);
  await client.line(new RegExp(`^${text}$`));
  client.say("Q");
  await client.over();
}

/** GnuTLS's words for AES_128_CCM_8 alone, with this key exchange. */
export function gnutls(exchange: string): string[] {
  const suite = "+AES-128-CCM-8:+AEAD:+COMP-NULL:+SIGN-ECDSA-SHA256";
  return ["--udp", "--priority", `NONE:+VERS-DTLS1.2:${suite}:${exchange}`];
}

function certificates(folder: Folder, oursKey: TestKey, peerKey: TestKey): Certificates {
  const authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
  const [rootKey, middleKey] = [testKey(folder, "root"), testKey(folder, "middle")];
  const root = testCertificate(folder, "root", rootKey, authority);
  const byRoot = { certificate: root, key: rootKey };
  const middle = testCertificate(folder, "middle", middleKey, authority, byRoot);
  const named = (name: string) => [
    ...["basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature"],
    ...["extendedKeyUsage=serverAuth,clientAuth", `subjectAltName=DNS:${name}.example`],
  ];
  const byMiddle = { certificate: middle, key: middleKey };
  const ours = testCertificate(folder, "ours", oursKey, named("ours"), byMiddle);
  const peers = testCertificate(folder, "peer", peerKey, named("peer"), byRoot);
  return { root, chain: [ours, middle], file: peers.file };
}

/** A world for the tests of one file, from their beginning to their end; none where no Lan is. */
export function aroundTests(use: (world: DtlsWorld) => void): void {
  let world: DtlsWorld | undefined;
  before(async () => {
    if (lacksLan !== false) return;
    world = await DtlsWorld.start();
    use(world);
  });
  after(() => world?.stop());
}
