/** One case of novifinancial/ed25519-speccheck, cases.json. */
export interface SpeccheckCase {
  readonly message: string;
  readonly pub_key: string;
  readonly signature: string;
}

/**
 * What every provider says of them, in their order. RFC 8032 leaves some of it open; where it does,
 * ours is libsodium's verdict (modules/crypto/noble.ts). No honest signer makes any of these.
 */
export const VERDICTS: readonly { readonly verdict: boolean; readonly because: string }[] = [
  { verdict: false, because: "A of small order: it signs anything (and R is, too)" },
  { verdict: false, because: "A of small order: it signs anything" },
  { verdict: false, because: "R of small order: the signer chose no secret" },
  // Both equations hold; a key like this is refused where keys are admitted (isPublicKey).
  { verdict: true, because: "A and R of mixed order, S·B = R + k·A holds as it stands" },
  { verdict: false, because: "holds only times the cofactor (RFC 8032 §5.1.7 allows either)" },
  { verdict: false, because: "the same, with R of prime order" },
  { verdict: false, because: "S of L or more: a second signature of the same message" },
  { verdict: false, because: "S far above L: the same, where only high bits are looked at" },
  { verdict: false, because: "R not canonical, of small order; holds for the hash of R reduced" },
  { verdict: false, because: "R not canonical, of small order; holds for the hash of R as sent" },
  { verdict: false, because: "A not canonical, of small order; holds for the hash of A reduced" },
  { verdict: false, because: "A not canonical, of small order; holds for the hash of A as sent" },
];
