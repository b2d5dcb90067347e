/** DTLS: datagrams to an endpoint that listens and one that asks; hellos, DER, sessions. */
import assert from "node:assert/strict";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { parseCertificate } from "../../modules/dtls/certificate.js";
import { pointOf, rawSignature } from "../../modules/dtls/der.js";
import { DtlsEndpoint, type DtlsOptions } from "../../modules/dtls/endpoint.js";
import {
  clientHello,
  parseCertificateRequest,
  parseClientHello,
  parseDigitallySigned,
  parseEcdheExchange,
  parseHelloVerifyRequest,
  parsePskIdentity,
  parseServerHello,
  serverHello,
} from "../../modules/dtls/messages.js";
import { DTLS_1_2 } from "../../modules/dtls/numbers.js";
import { emitSession, parseSession } from "../../modules/dtls/session.js";
import { TestClock } from "../support/clock.js";
import { addressOf } from "../support/dtls.js";
import { psk, pskOf } from "../support/dtls-pair.js";
import { SeededRandom } from "../support/random.js";

const crypto = new TsCrypto();
const PEER = addressOf(1);

function endpoint(options: DtlsOptions, sent: Uint8Array[]): DtlsEndpoint {
  const parts = { clock: new TestClock(), random: new SeededRandom(1), crypto };
  return new DtlsEndpoint(parts, options, {
    send: (_, bytes) => void sent.push(bytes),
    opened: () => assert.fail("opened without the key"),
    data: () => assert.fail("data that nobody sent"),
    closed: () => {},
  });
}

/** Nothing throws; who has no good cookie leaves no state, and gets no more than he sent. */
export function checkDatagrams(bytes: Uint8Array): void {
  for (const cidBytes of [0, 4]) {
    const answers: Uint8Array[] = [];
    const server = endpoint({ server: { psk: pskOf }, cidBytes }, answers);
    server.receive(PEER, bytes);
    assert.equal(server.size, 0);
    const answered = answers.reduce((sum, answer) => sum + answer.length, 0);
    assert.ok(answered <= bytes.length, `${answered} bytes for ${bytes.length}`);
    const client = endpoint({ cidBytes }, []);
    client.connect(PEER, { credentials: psk() });
    client.receive(PEER, bytes);
    assert.ok(client.size <= 1);
  }
}

/** What is read can be written, and is read the same again. */
export function checkHellos(bytes: Uint8Array): void {
  const client = parseClientHello(bytes);
  if (client !== undefined) {
    assert.deepEqual(parseClientHello(clientHello(client)), { ...client, version: DTLS_1_2 });
  }
  const server = parseServerHello(bytes);
  if (server !== undefined) {
    assert.deepEqual(parseServerHello(serverHello(server)), { ...server, version: DTLS_1_2 });
  }
  parseHelloVerifyRequest(bytes);
  parsePskIdentity(bytes);
  parseEcdheExchange(bytes);
  parseDigitallySigned(bytes);
  parseCertificateRequest(bytes);
}

/** A point, where one is found, is an uncompressed one; a signature two numbers. */
export function checkDer(bytes: Uint8Array): void {
  const certificate = parseCertificate(bytes);
  if (certificate !== undefined) assert.equal(certificate.publicKey.length, 65);
  const point = pointOf(bytes);
  assert.ok(point === undefined || (point.length === 65 && point[0] === 4));
  const signature = rawSignature(bytes);
  assert.ok(signature === undefined || signature.length === 64);
}

export function checkSession(bytes: Uint8Array): void {
  const session = parseSession(bytes);
  if (session !== undefined) assert.deepEqual(emitSession(session), bytes);
}
