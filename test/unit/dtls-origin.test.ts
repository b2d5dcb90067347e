/** A session is over when the key, or the certificates, that it came from are. */
import { toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import type { ServerCredentials } from "../../modules/dtls/credentials.js";
import { ALERTS } from "../../modules/dtls/numbers.js";
import { MemorySessions, type Session } from "../../modules/dtls/session.js";
import { equal, test } from "../harness.js";
import { AUTHORITY, certificateOf, keyPair } from "../support/certificates.js";
import { DtlsNet, DtlsPeer } from "../support/dtls.js";
import { said } from "../support/dtls-craft.js";

const IDENTITY = utf8("switch 7");

/** A server and a client that met; then either of them is told something else. */
class Acquaintance {
  readonly net = new DtlsNet();
  readonly server: DtlsPeer;
  readonly client: DtlsPeer;
  readonly session: Session;
  theirs: ServerCredentials;

  constructor(theirs: ServerCredentials, ours: object) {
    this.theirs = theirs;
    const sessions = new MemorySessions(2);
    this.server = new DtlsPeer(this.net, 1, { server: this.#now(), sessions });
    this.client = new DtlsPeer(this.net, 2, {});
    this.#connect(ours, {});
    const { session } = this.client.opened[0].finished;
    this.session = session as Session;
    this.client.connection.close();
    this.net.settle();
  }

  /** Whether they go on with their session; undefined: they do not get together at all. */
  again(ours: object): boolean | undefined {
    const before = this.client.opened.length;
    this.#connect(ours, { resume: this.session });
    this.net.pass(1_000_000);
    const isResumed = this.client.opened[before]?.finished.isResumed;
    if (isResumed !== undefined) this.client.connection.close();
    this.net.pass(1_000_000, 200);
    return isResumed;
  }

  #connect(credentials: object, more: object): void {
    this.client.dtls.connect(this.server.address, { credentials, ...more });
    this.net.settle();
  }

  /** What the server is told, as it is told. */
  #now(): ServerCredentials {
    const theirs = () => this.theirs;
    return {
      ...theirs(),
      ...(theirs().psk && { psk: (identity: Uint8Array) => theirs().psk?.(identity) }),
      get trust() {
        return theirs().trust;
      },
    } as ServerCredentials;
  }
}

function pskOf(byte: number) {
  return { psk: { identity: IDENTITY, key: new Uint8Array(16).fill(byte) } };
}

function knows(byte: number) {
  return { psk: () => new Uint8Array(16).fill(byte) };
}

test("a pre-shared key that was replaced under its name takes its sessions along", () => {
  const met = new Acquaintance(knows(1), pskOf(1));
  equal(met.again(pskOf(1)), true);
  met.theirs = knows(2);
  equal(met.again(pskOf(1)), undefined, "the old key, and what came of it");
  equal(met.again(pskOf(2)), false);
});

test("a client offers no session of another key than its own of today", () => {
  const met = new Acquaintance(knows(1), pskOf(1));
  met.theirs = { psk: (identity) => knows(identity.length === 8 ? 2 : 3).psk() };
  const since = met.net.sent.length;
  equal(met.again(pskOf(2)), false);
  // ClientHello behind its random: a session id of no bytes.
  const [hello] = met.net.sent.slice(since);
  equal([hello.bytes[13], hello.bytes[13 + 12 + 34]], [1, 0]);
  const other = { identity: utf8("switch 71"), key: new Uint8Array(16).fill(3) };
  equal(met.again({ psk: other }), false);
  equal(said(met.net, met.client, since).includes("16"), true);
});

test("a session with a raw public key needs it to be trusted still, on either side", () => {
  const raw = (number: number, trusts: number) => {
    const known = toHex(keyPair(trusts).publicKey);
    const rawKey = (publicKey: Uint8Array) => toHex(publicKey) === known;
    return { own: { key: keyPair(number), chain: [] }, trust: { rawKey } };
  };
  const met = new Acquaintance(raw(1, 2), raw(2, 1));
  equal(met.again(raw(2, 1)), true);
  equal(met.again(raw(2, 3)), undefined);
  equal(met.client.ends.at(-1)?.alert, ALERTS.certificateUnknown);
  met.theirs = raw(1, 3);
  equal(met.again(raw(2, 1)), undefined);
  equal(met.server.ends.at(-1)?.alert, ALERTS.certificateUnknown);
});

const BEFORE = 1_800_000_000;
/** 1 January 2036, and the certificate is over. */
const AFTER = 2_082_758_401;

function root(number: number): Uint8Array {
  const key = keyPair(number);
  return certificateOf({ subject: "root", issuer: "root", key, by: key, extensions: [AUTHORITY] });
}

test("a session with a certificate ends with it, and with what it ends in", () => {
  const own = certificateOf({ subject: "own", issuer: "root", key: keyPair(2), by: keyPair(1) });
  const credentials = (anchor: number, now: number) => ({
    own: { key: keyPair(2), chain: [own] },
    trust: { anchors: [root(anchor)], nowSeconds: () => now },
  });
  const met = new Acquaintance(credentials(1, BEFORE), credentials(1, BEFORE));
  equal(met.again(credentials(1, BEFORE)), true);
  equal(met.again(credentials(3, BEFORE)), undefined);
  equal(met.client.ends.at(-1)?.alert, ALERTS.unknownCa);
  met.theirs = credentials(1, AFTER);
  equal(met.again(credentials(1, BEFORE)), undefined);
  equal(met.server.ends.at(-1)?.alert, ALERTS.certificateExpired);
});

test("who never showed a key resumes nothing where keys are wanted by now", () => {
  const own = { key: keyPair(1), chain: [] };
  const trust = { rawKey: () => true };
  const met = new Acquaintance({ own }, { trust });
  equal(met.again({ trust }), true);
  met.theirs = { own, trust };
  equal(met.again({ trust, own: { key: keyPair(2), chain: [] } }), false);
});
