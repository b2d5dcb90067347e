/**
 * The server's course, from the ClientHello with a good cookie on (RFC 6347 §4.2.4). It takes the
 * first suite of the client's list that both can do.
 */
import type { P256, P256KeyPair } from "../ports/crypto.js";
import type { ServerCredentials } from "./credentials.js";
import {
  ephemeral,
  isSigned,
  ownTypes,
  type ProvenLater,
  peerOf,
  serverKeyExchange,
  shown,
  trustedTypes,
} from "./ecdhe.js";
import { type HelloTraits, serverExtensions, traitsOf } from "./extensions.js";
import type { Driver, Handshake, Refusal } from "./handshake.js";
import { premasterOf } from "./keys.js";
import {
  type ClientHello,
  certificate,
  certificateRequest,
  type HandshakeMessage,
  parseCertificate,
  parseClientHello,
  parseDigitallySigned,
  parseEcdhePoint,
  parsePskIdentity,
  serverHello,
} from "./messages.js";
import {
  ALERTS,
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  CERTIFICATE_VERIFY,
  type CertificateType,
  CLIENT_CERTIFICATE_TYPE,
  CLIENT_HELLO,
  CLIENT_KEY_EXCHANGE,
  DTLS_1_2,
  EC_POINT_FORMATS,
  FINISHED,
  RENEGOTIATION_INFO,
  SERVER_CERTIFICATE_TYPE,
  SERVER_HELLO,
  SERVER_HELLO_DONE,
  SERVER_KEY_EXCHANGE,
  TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
  TLS_EMPTY_RENEGOTIATION_INFO_SCSV,
  TLS_PSK_WITH_AES_128_CCM_8,
  X509,
} from "./numbers.js";
import { isStillOf } from "./origin.js";
import { type PeerIdentity, type Session, type SessionStore, wipeSession } from "./session.js";

const SESSION_ID_BYTES = 16;

type Expects = "hello" | "certificate" | "keyExchange" | "verify" | "finished";

export interface ServerOptions {
  readonly credentials: ServerCredentials;
  /** Absent: sessions are not resumed. */
  readonly sessions: SessionStore | undefined;
  /** The connection id we want to be addressed by; undefined takes no part (RFC 9146). */
  readonly cid: Uint8Array | undefined;
}

export class ServerHandshake implements Driver {
  readonly shared: Handshake;
  readonly #credentials: ServerCredentials;
  readonly #sessions: SessionStore | undefined;
  readonly #cid: Uint8Array | undefined;
  readonly #p256: P256 | undefined;
  #expects: Expects = "hello";
  #suite = 0;
  #sessionId: Uint8Array = new Uint8Array(0);
  #clientType: CertificateType = X509;
  #pair: P256KeyPair | undefined = undefined;
  #peer: PeerIdentity = { by: "nothing" };
  #isResumed = false;

  constructor(shared: Handshake, options: ServerOptions) {
    this.shared = shared;
    this.#credentials = options.credentials;
    this.#sessions = options.sessions;
    this.#cid = options.cid;
    this.#p256 = options.credentials.own === undefined ? undefined : shared.parts.crypto.p256;
  }

  start(): void {}

  take(message: HandshakeMessage): Refusal {
    const { type } = message;
    switch (this.#expects) {
      case "hello":
        return type === CLIENT_HELLO ? this.#takeHello(message) : "malformed";
      case "certificate":
        return type === CERTIFICATE ? this.#takeCertificate(message) : "malformed";
      case "keyExchange":
        return type === CLIENT_KEY_EXCHANGE ? this.#takeKeyExchange(message) : "malformed";
      case "verify":
        return type === CERTIFICATE_VERIFY ? this.#takeVerify(message) : "malformed";
      case "finished":
        return type === FINISHED ? this.#takeFinished(message) : "malformed";
    }
  }

  #takeHello(message: HandshakeMessage): Refusal {
    const hello = parseClientHello(message.body);
    const traits = hello && traitsOf(hello.extensions, false);
    if (hello === undefined || traits === undefined) return "malformed";
    // Versions count down: a client that can do more, too, says a smaller number.
    if (hello.version > DTLS_1_2) return ALERTS.protocolVersion; // check: client-version
    if (!traits.hasExtendedMasterSecret) return ALERTS.handshakeFailure; // check: client-ems
    const info = traits.renegotiationInfo;
    const isInitial = info === undefined || info.length === 0;
    if (!isInitial) return ALERTS.handshakeFailure; // check: client-renegotiation-info
    const { shared } = this;
    shared.peerRandom = hello.random;
    shared.heard(message);
    if (traits.cid !== undefined && this.#cid !== undefined) {
      shared.peerCid = traits.cid;
      shared.ownCid = this.#cid;
    }
    return this.#resumes(hello) ? this.#resume(hello, traits) : this.#begin(hello, traits);
  }

  /** Whether there is such a session, and its peer may still come in (RFC 5246 §7.4.1.2). */
  #resumes(hello: ClientHello): boolean {
    if (hello.sessionId.length === 0) return false;
    const session = this.#sessions?.find(hello.sessionId);
    if (session === undefined) return false;
    const { id, suite, peer } = session;
    const isAccepted = this.#credentials.accepts?.(peer) ?? true;
    const isGood = isAccepted && this.#isStillGood(session);
    wipeSession(session);
    if (!isGood) return false; // check: resume-accepted
    if (!hello.suites.includes(suite)) return false; // check: resume-suite
    this.#sessionId = id;
    this.#suite = suite;
    this.#peer = peer;
    return true;
  }

  /** A key that was taken away, or replaced, takes its sessions with it. */
  #isStillGood(session: Session): boolean {
    const { peer } = session;
    const { psk, trust } = this.#credentials;
    const key = peer.by === "psk" ? psk?.(peer.identity) : undefined;
    const isGood = isStillOf(this.shared.parts.crypto, session, { peer, psk: key, trust });
    key?.fill(0);
    return isGood;
  }

  #resume(hello: ClientHello, traits: HelloTraits): Refusal {
    const session = this.#sessions?.find(this.#sessionId);
    if (session === undefined) return ALERTS.internalError;
    const { shared } = this;
    this.#isResumed = true;
    this.#sayHello(hello, traits, { client: undefined, server: undefined });
    shared.useMaster(session.master, session.bound);
    shared.sayFinished();
    shared.isReadyToChange = true;
    this.#expects = "finished";
    shared.flush(true);
    return undefined;
  }

  #begin(hello: ClientHello, traits: HelloTraits): Refusal {
    const { own, trust, psk } = this.#credentials;
    const serverType =
      ownTypes(own).length === 0 ? undefined : choose(traits.serverCertificateTypes, ownTypes(own));
    const clientType =
      trust === undefined ? undefined : choose(traits.clientCertificateTypes, trustedTypes(trust));
    const takes = traits.takesSecp256r1 && traits.takesEcdsaSha256;
    const hasTypes = serverType !== undefined && (trust === undefined || clientType !== undefined);
    const isAble = (suite: number) =>
      (suite === TLS_PSK_WITH_AES_128_CCM_8 && psk !== undefined) ||
      (suite === TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 &&
        this.#p256 !== undefined &&
        takes &&
        hasTypes);
    const suite = hello.suites.find(isAble);
    if (suite === undefined) return ALERTS.handshakeFailure;
    this.#suite = suite;
    if (this.#sessions !== undefined) {
      this.#sessionId = new Uint8Array(SESSION_ID_BYTES);
      this.shared.parts.random.fill(this.#sessionId);
    }
    if (suite === TLS_PSK_WITH_AES_128_CCM_8) {
      this.#sayHello(hello, traits, { client: undefined, server: undefined });
      this.#expects = "keyExchange";
    } else {
      this.#sayHello(hello, traits, { client: clientType, server: serverType });
      this.#sayKey(serverType as CertificateType);
      this.#clientType = clientType ?? X509;
      this.#expects = trust === undefined ? "keyExchange" : "certificate";
    }
    this.shared.say(SERVER_HELLO_DONE, new Uint8Array(0));
    this.shared.flush(true);
    return undefined;
  }

  #sayHello(
    hello: ClientHello,
    traits: HelloTraits,
    types: {
      readonly client: CertificateType | undefined;
      readonly server: CertificateType | undefined;
    },
  ): void {
    const { extensions } = hello;
    const isEcdhe = types.server !== undefined;
    const answer = serverExtensions({
      hasRenegotiationInfo:
        hello.suites.includes(TLS_EMPTY_RENEGOTIATION_INFO_SCSV) ||
        extensions.has(RENEGOTIATION_INFO),
      cid: traits.cid === undefined ? undefined : this.#cid,
      clientCertificateType: extensions.has(CLIENT_CERTIFICATE_TYPE) ? types.client : undefined,
      serverCertificateType: extensions.has(SERVER_CERTIFICATE_TYPE) ? types.server : undefined,
      hasPoints: isEcdhe && extensions.has(EC_POINT_FORMATS),
    });
    const random = this.shared.ownRandom;
    const { suite, sessionId } = { suite: this.#suite, sessionId: this.#sessionId };
    this.shared.say(SERVER_HELLO, serverHello({ random, sessionId, suite, extensions: answer }));
  }

  /** Certificate, ServerKeyExchange and, where clients have to show a key, CertificateRequest. */
  #sayKey(type: CertificateType): void {
    const { own, trust } = this.#credentials;
    const p256 = this.#p256;
    if (own === undefined || p256 === undefined) throw new Error("a suite without its key");
    const { shared } = this;
    shared.say(CERTIFICATE, certificate(shown(own, type), type));
    this.#pair = ephemeral(p256, shared.parts.random);
    const randoms = { client: shared.peerRandom, server: shared.ownRandom };
    shared.say(SERVER_KEY_EXCHANGE, serverKeyExchange(own, this.#pair.publicKey, randoms));
    if (trust !== undefined) shared.say(CERTIFICATE_REQUEST, certificateRequest());
  }

  #takeCertificate(message: HandshakeMessage): Refusal {
    const { trust } = this.#credentials;
    const p256 = this.#p256;
    const type = this.#clientType;
    const list = parseCertificate(message.body, type);
    if (list === undefined || trust === undefined || p256 === undefined) return "malformed";
    const peer = peerOf({ list, type, trust, purpose: "client", p256 });
    if (typeof peer === "number") return peer;
    this.#peer = peer;
    this.shared.heard(message);
    this.#expects = "keyExchange";
    return undefined;
  }

  #takeKeyExchange(message: HandshakeMessage): Refusal {
    const { shared } = this;
    let secret: Uint8Array | undefined;
    let psk: Uint8Array | undefined;
    if (this.#suite === TLS_PSK_WITH_AES_128_CCM_8) {
      const identity = parsePskIdentity(message.body);
      if (identity === undefined) return "malformed";
      psk = this.#credentials.psk?.(identity);
      if (psk === undefined) return ALERTS.unknownPskIdentity;
      shared.keep(psk);
      this.#peer = { by: "psk", identity };
      secret = premasterOf(psk);
    } else {
      const point = parseEcdhePoint(message.body);
      if (point === undefined) return "malformed";
      secret = this.#pair?.agree(point);
      if (secret === undefined) return ALERTS.illegalParameter;
      this.#pair = undefined;
    }
    shared.heard(message);
    shared.derive(secret, { peer: this.#peer, psk, trust: this.#credentials.trust });
    psk?.fill(0);
    const hasKey = this.#peer.by === "rawPublicKey" || this.#peer.by === "certificate";
    shared.isReadyToChange = !hasKey;
    this.#expects = hasKey ? "verify" : "finished";
    return undefined;
  }

  #takeVerify(message: HandshakeMessage): Refusal {
    const der = parseDigitallySigned(message.body);
    const p256 = this.#p256;
    if (der === undefined || p256 === undefined) return "malformed";
    const { shared } = this;
    const { publicKey } = this.#peer as ProvenLater;
    const isGenuine = isSigned(p256, { data: shared.transcript.bytes.slice(), der, publicKey });
    if (!isGenuine) return ALERTS.decryptError; // check: client-signature
    shared.heard(message);
    shared.isReadyToChange = true;
    this.#expects = "finished";
    return undefined;
  }

  #takeFinished(message: HandshakeMessage): Refusal {
    const { shared } = this;
    const refusal = shared.hearFinished(message);
    if (refusal !== undefined) return refusal;
    const peer = this.#peer;
    const isAccepted = this.#credentials.accepts?.(peer) ?? true;
    if (!isAccepted) return ALERTS.accessDenied; // check: server-accepts
    if (!this.#isResumed) {
      shared.sayFinished();
      shared.flush(false);
    }
    const session = shared.sessionOf(this.#sessionId, this.#suite, peer);
    shared.finished = { peer, session, isResumed: this.#isResumed };
    return undefined;
  }
}

/** The first type of the client's list that we can do. */
function choose(
  offered: readonly number[],
  able: readonly CertificateType[],
): CertificateType | undefined {
  return able.find((type) => type === offered.find((one) => able.includes(one as CertificateType)));
}
