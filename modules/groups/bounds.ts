/** How long the parts of a key and of a member may be. */
export const KEY_ID_BYTES_MAX = 16;
/** Of a scheme's secret, CBOR. */
export const RAW_BYTES_MAX = 512;
export const MEMBER_ID_BYTES_MAX = 16;
/** A CWT Claims Set with an Ed25519 key has 46. */
export const CREDENTIAL_BYTES_MAX = 100;
/** Records that a hundred members of a group take, eight in each. */
export const MEMBER_PAGES_MAX = 13;
