/** Numbers of DTLS 1.2 and of the extensions used here, by their RFCs' names. */

/** Content types of records (RFC 5246 §6.2.1); application data is record.ts's. */
export const CHANGE_CIPHER_SPEC = 20;
export const ALERT = 21;
export const HANDSHAKE = 22;
/** RFC 9146 §4. */
export const TLS12_CID = 25;

/** Versions count down. */
export const DTLS_1_0 = 0xfeff;
export const DTLS_1_2 = 0xfefd;

/** HandshakeType (RFC 5246 §7.4, RFC 6347 §4.3.2). */
export const HELLO_REQUEST = 0;
export const CLIENT_HELLO = 1;
export const SERVER_HELLO = 2;
export const HELLO_VERIFY_REQUEST = 3;
export const CERTIFICATE = 11;
export const SERVER_KEY_EXCHANGE = 12;
export const CERTIFICATE_REQUEST = 13;
export const SERVER_HELLO_DONE = 14;
export const CERTIFICATE_VERIFY = 15;
export const CLIENT_KEY_EXCHANGE = 16;
export const FINISHED = 20;

export const TLS_PSK_WITH_AES_128_CCM_8 = 0xc0a8;
export const TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 = 0xc0ae;
/** A signal in the list of suites, no suite (RFC 5746 §3.3). */
export const TLS_EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff;

/** AlertLevel (RFC 5246 §7.2). */
export const WARNING = 1;
export const FATAL = 2;

/** AlertDescription (RFC 5246 §7.2, RFC 6066 §9, RFC 4279 §6). */
export const ALERTS = Object.freeze({
  closeNotify: 0,
  unexpectedMessage: 10,
  badRecordMac: 20,
  recordOverflow: 22,
  handshakeFailure: 40,
  badCertificate: 42,
  unsupportedCertificate: 43,
  certificateRevoked: 44,
  certificateExpired: 45,
  certificateUnknown: 46,
  illegalParameter: 47,
  unknownCa: 48,
  accessDenied: 49,
  decodeError: 50,
  decryptError: 51,
  protocolVersion: 70,
  insufficientSecurity: 71,
  internalError: 80,
  userCanceled: 90,
  noRenegotiation: 100,
  unsupportedExtension: 110,
  unknownPskIdentity: 115,
});

/** ExtensionType: RFC 8422 §5.1, RFC 5246 §7.4.1.4, RFC 7250 §3, RFC 7627, RFC 9146, RFC 5746. */
export const SUPPORTED_GROUPS = 10;
export const EC_POINT_FORMATS = 11;
export const SIGNATURE_ALGORITHMS = 13;
export const CLIENT_CERTIFICATE_TYPE = 19;
export const SERVER_CERTIFICATE_TYPE = 20;
export const EXTENDED_MASTER_SECRET = 23;
export const CONNECTION_ID = 54;
export const RENEGOTIATION_INFO = 0xff01;

/** NamedCurve (RFC 8422 §5.1.1). */
export const SECP256R1 = 23;
/** ECCurveType named_curve (RFC 8422 §5.4). */
export const NAMED_CURVE = 3;
/** Hash sha256, signature ecdsa (RFC 5246 §7.4.1.4.1). */
export const ECDSA_SECP256R1_SHA256 = 0x0403;
/** ClientCertificateType ecdsa_sign (RFC 8422 §5.5). */
export const ECDSA_SIGN = 64;

/** CertificateType (RFC 7250 §3). */
export const X509 = 0;
export const RAW_PUBLIC_KEY = 2;
export type CertificateType = typeof X509 | typeof RAW_PUBLIC_KEY;
