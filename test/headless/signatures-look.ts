/**
 * What signatures.test.ts runs on headless hosts: says who signs, and fails where that is wrong.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import "../../platforms/headless/host.js";

/** RFC 8032 §7.1, TEST 2. */
const SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const SIGNATURE =
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

export default function main(): number {
  const { signatures } = new HostCrypto();
  lumicastHost.print(signatures?.provider ?? "nobody");
  if (signatures === undefined) return 0;
  const signer = signatures.signer(fromHex(SEED));
  const { publicKey } = signer;
  const data = Uint8Array.of(0x72);
  const signature = signer.sign(data);
  if (toHex(signature) !== SIGNATURE) return 1;
  if (!signatures.verify({ data, signature, publicKey })) return 1;
  return signatures.verify({ data: publicKey, signature, publicKey }) ? 1 : 0;
}
