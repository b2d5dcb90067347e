/**
 * The client's course (RFC 6347 §4.2.4, figures 1 and 2):
 *
 *   ClientHello → HelloVerifyRequest → ClientHello with the cookie →
 *   whole       ServerHello [Certificate] [ServerKeyExchange] [CertificateRequest]
 *               ServerHelloDone →
 *               [Certificate] ClientKeyExchange [CertificateVerify] ChangeCipherSpec Finished →
 *               ChangeCipherSpec Finished
 *   resumed     ServerHello ChangeCipherSpec Finished → ChangeCipherSpec Finished
 */
import { equalBytes } from "../bytes/equal.js";
import type { P256 } from "../ports/crypto.js";
import type { ClientCredentials } from "./credentials.js";
import {
  certificateVerify,
  ephemeral,
  isServerKeyExchange,
  ownTypes,
  type ProvenLater,
  peerOf,
  shown,
  trustedTypes,
} from "./ecdhe.js";
import { clientExtensions, type Extensions, type HelloTraits, traitsOf } from "./extensions.js";
import type { Driver, Handshake, Refusal } from "./handshake.js";
import { premasterOf } from "./keys.js";
import {
  certificate,
  clientHello,
  ecdhePoint,
  type HandshakeMessage,
  parseCertificate,
  parseCertificateRequest,
  parseEcdheExchange,
  parseHelloVerifyRequest,
  parsePskIdentity,
  parseServerHello,
  pskIdentity,
  type ServerHello,
} from "./messages.js";
import {
  ALERTS,
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  CERTIFICATE_VERIFY,
  type CertificateType,
  CLIENT_HELLO,
  CLIENT_KEY_EXCHANGE,
  DTLS_1_2,
  FINISHED,
  HELLO_VERIFY_REQUEST,
  SERVER_HELLO,
  SERVER_HELLO_DONE,
  SERVER_KEY_EXCHANGE,
  TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
  TLS_PSK_WITH_AES_128_CCM_8,
  X509,
} from "./numbers.js";
import { mayOffer } from "./origin.js";
import { type PeerIdentity, type Session, wipeSession } from "./session.js";

/** Cookies a server may ask for anew: its secret changed meanwhile. */
const COOKIES_MAX = 3;

type Expects = "hello" | "certificate" | "keyExchange" | "request" | "done" | "finished";

export interface ClientOptions {
  readonly credentials: ClientCredentials;
  /** Offered for resumption; the driver's own copy, wiped by it. */
  readonly resume: Session | undefined;
  /** The connection id we want to be addressed by: undefined offers none, empty only takes one. */
  readonly cid: Uint8Array | undefined;
}

export class ClientHandshake implements Driver {
  readonly shared: Handshake;
  readonly #credentials: ClientCredentials;
  readonly #key: Uint8Array | undefined;
  readonly #cid: Uint8Array | undefined;
  readonly #p256: P256 | undefined;
  #resume: Session | undefined;
  #cookie = new Uint8Array(0);
  #expects: Expects = "hello";
  #suite = 0;
  #sessionId: Uint8Array = new Uint8Array(0);
  #types: { readonly own: CertificateType; readonly peer: CertificateType } = {
    own: X509,
    peer: X509,
  };
  #peer: PeerIdentity | undefined = undefined;
  #peerPoint: Uint8Array | undefined = undefined;
  #isAsked = false;

  /** Throws RangeError when the credentials offer no suite. */
  constructor(shared: Handshake, options: ClientOptions) {
    this.shared = shared;
    this.#credentials = options.credentials;
    this.#cid = options.cid;
    const { crypto } = shared.parts;
    const { psk } = options.credentials;
    this.#key = psk?.key.slice();
    if (this.#key !== undefined) shared.keep(this.#key);
    const { resume } = options;
    if (resume !== undefined) shared.keep(resume.master);
    const mayResume = resume !== undefined && mayOffer(crypto, resume, options.credentials);
    this.#resume = mayResume ? resume : undefined;
    this.#p256 = options.credentials.trust === undefined ? undefined : crypto.p256;
    if (this.#suites().length === 0) throw new RangeError("credentials for no suite");
  }

  start(): void {
    this.#sayHello();
  }

  take(message: HandshakeMessage): Refusal {
    const { type } = message;
    switch (this.#expects) {
      case "hello":
        if (type === HELLO_VERIFY_REQUEST) return this.#takeVerify(message);
        return type === SERVER_HELLO ? this.#takeHello(message) : "malformed";
      case "certificate":
        return type === CERTIFICATE ? this.#takeCertificate(message) : "malformed";
      case "keyExchange":
        if (type === SERVER_KEY_EXCHANGE) return this.#takeKeyExchange(message);
        // RFC 4279 §2: without a hint there is none.
        return type === SERVER_HELLO_DONE && this.#isPsk ? this.#takeDone(message) : "malformed";
      case "request":
        if (type === CERTIFICATE_REQUEST && !this.#isPsk) return this.#takeRequest(message);
        return type === SERVER_HELLO_DONE ? this.#takeDone(message) : "malformed";
      case "done":
        return type === SERVER_HELLO_DONE ? this.#takeDone(message) : "malformed";
      case "finished":
        return type === FINISHED ? this.#takeFinished(message) : "malformed";
    }
  }

  get #isPsk(): boolean {
    return this.#suite === TLS_PSK_WITH_AES_128_CCM_8;
  }

  #suites(): number[] {
    const suites: number[] = [];
    if (this.#p256 !== undefined) suites.push(TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8);
    if (this.#credentials.psk !== undefined) suites.push(TLS_PSK_WITH_AES_128_CCM_8);
    return suites;
  }

  #sayHello(): void {
    const body = clientHello({
      random: this.shared.ownRandom,
      sessionId: this.#resume?.id ?? new Uint8Array(0),
      cookie: this.#cookie,
      suites: this.#suites(),
      extensions: this.#extensions(),
    });
    this.shared.say(CLIENT_HELLO, body);
    this.shared.flush(true);
  }

  #extensions(): Extensions {
    const { own, trust } = this.#credentials;
    const certificates =
      this.#p256 === undefined ? undefined : { own: ownTypes(own), peer: trustedTypes(trust) };
    return clientExtensions({ cid: this.#cid, certificates });
  }

  #takeVerify(message: HandshakeMessage): Refusal {
    const cookie = parseHelloVerifyRequest(message.body);
    if (cookie === undefined) return "malformed";
    if (this.shared.cookies === COOKIES_MAX) return "overflow"; // check: cookies-max
    this.shared.cookies++;
    this.#cookie = cookie.slice();
    // RFC 6347 §4.2.1: neither the first ClientHello nor this counts.
    this.shared.transcript.clear();
    this.#sayHello();
    return undefined;
  }

  #takeHello(message: HandshakeMessage): Refusal {
    const hello = parseServerHello(message.body);
    const traits = hello && traitsOf(hello.extensions, true);
    if (hello === undefined || traits === undefined) return "malformed";
    const refusal = this.#judge(hello, traits);
    if (refusal !== undefined) return refusal;
    const { shared } = this;
    shared.heard(message);
    shared.peerRandom = hello.random;
    if (traits.cid !== undefined) {
      shared.peerCid = traits.cid;
      shared.ownCid = this.#cid ?? new Uint8Array(0);
    }
    this.#suite = hello.suite;
    this.#sessionId = hello.sessionId;
    const session = this.#resume;
    if (session !== undefined && equalBytes(session.id, hello.sessionId)) {
      this.#peer = session.peer;
      shared.useMaster(session.master.slice(), session.bound);
      shared.isReadyToChange = true;
      this.#expects = "finished";
      return undefined;
    }
    this.#forget();
    this.#types = {
      own: traits.clientCertificateTypes[0] as CertificateType,
      peer: traits.serverCertificateTypes[0] as CertificateType,
    };
    this.#expects = this.#isPsk ? "keyExchange" : "certificate";
    return undefined;
  }

  /** Whether the server keeps to what was offered. */
  #judge(hello: ServerHello, traits: HelloTraits): Refusal {
    if (hello.version !== DTLS_1_2) return ALERTS.protocolVersion; // check: server-version
    const isOffered = this.#suites().includes(hello.suite);
    if (!isOffered) return ALERTS.illegalParameter; // check: server-suite
    // RFC 7627 §5.2, RFC 5746 §3.4: without these two a handshake can be joined to another.
    if (!traits.hasExtendedMasterSecret) return ALERTS.handshakeFailure; // check: server-ems
    const isInitial = traits.renegotiationInfo?.length === 0;
    if (!isInitial) return ALERTS.handshakeFailure; // check: server-renegotiation-info
    const mine = this.#extensions();
    for (const type of hello.extensions.keys()) {
      const isAnswer = mine.has(type);
      if (!isAnswer) return ALERTS.unsupportedExtension; // check: server-extensions
    }
    const isResumed = this.#resume !== undefined && equalBytes(this.#resume.id, hello.sessionId);
    const isSameSuite = !isResumed || this.#resume?.suite === hello.suite;
    if (!isSameSuite) return ALERTS.illegalParameter; // check: resumed-suite
    if (isResumed || hello.suite === TLS_PSK_WITH_AES_128_CCM_8) return undefined;
    const [peerType] = traits.serverCertificateTypes;
    const takes = trustedTypes(this.#credentials.trust).some((type) => type === peerType);
    if (!takes) return ALERTS.unsupportedCertificate; // check: server-certificate-type
    return undefined;
  }

  #takeCertificate(message: HandshakeMessage): Refusal {
    const { trust } = this.#credentials;
    const p256 = this.#p256;
    const type = this.#types.peer;
    const list = parseCertificate(message.body, type);
    if (list === undefined || trust === undefined || p256 === undefined) return "malformed";
    const peer = peerOf({ list, type, trust, purpose: "server", p256 });
    if (typeof peer === "number") return peer;
    this.#peer = peer;
    this.shared.heard(message);
    this.#expects = "keyExchange";
    return undefined;
  }

  #takeKeyExchange(message: HandshakeMessage): Refusal {
    if (this.#isPsk) {
      // The hint says which of several keys; we have one.
      if (parsePskIdentity(message.body) === undefined) return "malformed";
      this.#expects = "done";
    } else {
      const exchange = parseEcdheExchange(message.body);
      const peer = this.#peer as ProvenLater | undefined;
      const p256 = this.#p256;
      if (exchange === undefined || peer === undefined || p256 === undefined) return "malformed";
      const isGenuine = isServerKeyExchange(p256, exchange, {
        client: this.shared.ownRandom,
        server: this.shared.peerRandom,
        publicKey: peer.publicKey,
      });
      if (!isGenuine) return ALERTS.decryptError; // check: server-signature
      this.#peerPoint = exchange.point;
      this.#expects = "request";
    }
    this.shared.heard(message);
    return undefined;
  }

  #takeRequest(message: HandshakeMessage): Refusal {
    const takesOurs = parseCertificateRequest(message.body);
    if (takesOurs === undefined) return "malformed";
    if (!takesOurs) return ALERTS.handshakeFailure;
    this.shared.heard(message);
    this.#isAsked = true;
    this.#expects = "done";
    return undefined;
  }

  /** ServerHelloDone: our flight. */
  #takeDone(message: HandshakeMessage): Refusal {
    if (message.body.length > 0) return "malformed";
    const { shared } = this;
    const refusal = this.#refuses();
    if (refusal !== undefined) return refusal;
    shared.heard(message);
    const secret = this.#isPsk ? this.#pskExchange() : this.#ecdheExchange();
    if (secret === undefined) return ALERTS.illegalParameter;
    const { trust, own } = this.#credentials;
    const peer = this.#peer ?? { by: "nothing" };
    shared.derive(secret, { peer, psk: this.#key, trust });
    this.#key?.fill(0);
    if (this.#isAsked && own !== undefined) {
      shared.say(CERTIFICATE_VERIFY, certificateVerify(own, shared.transcript.bytes.slice()));
    }
    shared.sayFinished();
    shared.isReadyToChange = true;
    this.#expects = "finished";
    shared.flush(true);
    return undefined;
  }

  /** The application has the last word, before anything is shown. */
  #refuses(): Refusal {
    const { psk, accepts } = this.#credentials;
    if (this.#isPsk && psk !== undefined) {
      this.#peer = { by: "psk", identity: psk.identity.slice() };
    }
    const peer = this.#peer ?? { by: "nothing" };
    const isAccepted = accepts?.(peer) ?? true;
    if (!isAccepted) return ALERTS.accessDenied; // check: client-accepts
    return undefined;
  }

  #pskExchange(): Uint8Array | undefined {
    const { psk } = this.#credentials;
    if (psk === undefined || this.#key === undefined) return undefined;
    this.shared.say(CLIENT_KEY_EXCHANGE, pskIdentity(psk.identity));
    return premasterOf(this.#key);
  }

  #ecdheExchange(): Uint8Array | undefined {
    const p256 = this.#p256;
    const point = this.#peerPoint;
    if (p256 === undefined || point === undefined) return undefined;
    const pair = ephemeral(p256, this.shared.parts.random);
    const secret = pair.agree(point);
    if (secret === undefined) return undefined;
    if (this.#isAsked) {
      const { own } = this.#credentials;
      const { own: type } = this.#types;
      // RFC 5246 §7.4.6: asked, and without one, a client says so.
      const list = own !== undefined && ownTypes(own).includes(type) ? shown(own, type) : [];
      this.shared.say(CERTIFICATE, certificate(list, type));
    }
    this.shared.say(CLIENT_KEY_EXCHANGE, ecdhePoint(pair.publicKey));
    return secret;
  }

  #takeFinished(message: HandshakeMessage): Refusal {
    const { shared } = this;
    const refusal = shared.hearFinished(message);
    if (refusal !== undefined) return refusal;
    const isResumed = this.#resume !== undefined;
    const peer = this.#peer ?? { by: "nothing" };
    if (isResumed) {
      const isAccepted = this.#credentials.accepts?.(peer) ?? true;
      if (!isAccepted) return ALERTS.accessDenied; // check: client-accepts-resumed
      shared.sayFinished();
      shared.flush(false);
    }
    const session = shared.sessionOf(this.#sessionId, this.#suite, peer);
    this.#forget();
    shared.finished = { peer, session, isResumed };
    return undefined;
  }

  #forget(): void {
    if (this.#resume !== undefined) wipeSession(this.#resume);
    this.#resume = undefined;
  }
}
