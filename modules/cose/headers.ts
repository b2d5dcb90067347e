/** Labels of COSE headers (RFC 9052 §3.1, RFC 8613 §6.1 for the kid context) and tags (§2). */

export const ALG = 1;
export const CRIT = 2;
export const CONTENT_TYPE = 3;
export const KID = 4;
export const IV = 5;
export const PARTIAL_IV = 6;
export const KID_CONTEXT = 10;

export const TAG_ENCRYPT0 = 16;
export const TAG_MAC0 = 17;
export const TAG_SIGN1 = 18;
/** A CBOR Web Token (RFC 8392 §6). */
export const TAG_CWT = 61;
