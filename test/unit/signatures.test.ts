import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { Signatures } from "../../modules/ports/crypto.js";
import { equal, test, throws } from "../harness.js";
import { providers } from "../support/providers.js";

const h = fromHex;

/** RFC 8032 §7.1, TEST 1, 2, 3 and SHA(abc): seed, public key, message, signature. */
const RFC_8032: readonly (readonly [string, string, string, string])[] = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
  [
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589" +
      "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  ],
];

/** S + L, S + 2L, S + 8L and S + 14L of TEST 1's S; L is the order of the base point. */
const SECOND_S: readonly string[] = [
  "4c8c7872aa064e049dbb3013fbf29380d25bf5f0595bbe24655141438e7a101b",
  "39606ecfc469605c735828b6d9ec7295d25bf5f0595bbe24655141438e7a102b",
  "c75731fd62bcce6c7905f68711c8ac12d35bf5f0595bbe24655141438e7a108b",
  "554ff42a010f3d7d7fb2c35949a3e68fd35bf5f0595bbe24655141438e7a10eb",
];

/**
 * Signatures on which libraries differ (novifinancial/ed25519-speccheck, cases.json, by number):
 * why ours are judged as they are is said in modules/crypto/noble.ts. The other seven are read from
 * the shared folder: test/differential/third-party.test.ts, test/headless/crypto.test.ts.
 */
const DISPUTED: readonly {
  name: string;
  data: string;
  publicKey: string;
  signature: string;
  verdict: boolean;
}[] = [
  {
    name: "1: A of small order",
    data: "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    publicKey: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    signature:
      "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43" +
      "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    verdict: false,
  },
  {
    name: "2: R of small order",
    data: "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
    publicKey: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    signature:
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa" +
      "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    verdict: false,
  },
  {
    name: "3: A and R of mixed order, good with the cofactor and without",
    data: "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    publicKey: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    signature:
      "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f" +
      "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    verdict: true,
  },
  {
    name: "4: good only with the cofactor",
    data: "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    publicKey: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    signature:
      "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512" +
      "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    verdict: false,
  },
];

/** The eight points of small order; x = 0 with its sign bit; y = p and p + 1 for 0 and 1. */
const SMALL_ORDER: readonly string[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/** No key that RFC 8032 makes: not on the curve, not canonical, of mixed order. */
const NO_KEYS: readonly (readonly [string, string])[] = [
  ["y of p + 3", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
  ["y of p + 2", "efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
  ["no x for y = 2", "0200000000000000000000000000000000000000000000000000000000000000"],
  [
    "mixed order, as in DISPUTED 3",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
  ],
];

/**
 * TEST 1's key plus (0, -1), the point of order 2: old libsodium agrees with it, to no harm, for
 * X25519 clears what is of small order; none may take it for a key.
 */
const WITH_ORDER_2 = "16a567fe7d4ef5482ab4012c369bf8c5f11e8d0c2559dcda50fde59708f8aee5";

/** shared/vectors/pairwise-ecdh.json: seed, own key, peer's key, X25519 secret. */
const PAIRS: readonly (readonly [string, string, string, string])[] = [
  [
    "397ceb5a8d21d74a9258c20c33fc45ab152b02cf479b2e3081285f77454cf347",
    "ce616f28426ef24edb51dbcef7a23305f886f657959d4df889ddfc0255042159",
    "2668ba6ca302f14e952228da1250a890c143fdba4daed27246188b9e42c94b6d",
    "4546babdb9482396c167af11d21953bfa49eb9f630c45de93ee4d3b9ef059576",
  ],
  [
    "ba10076834f4cc9571c9df9b400b9b50bbb75168387ac2cfd58f1f252e3afe45",
    "3c5a2b24f6b0a8c0fa1cfd84e030e745581a05539e41283aa81b51156140a0a5",
    "755dfd14385065880a373740d7f7218cee48091f8c4c99b07630658ae50cb0bc",
    "d5e89120ad9b18df24c51b19a5e3c20bff1c3f01a28420dc78f2052ac85cec51",
  ],
  [
    "363822cb43ff4d6e8b8d286679fef7c8d5513c62ff899a5098178398fda881e9",
    "88e4d2043a52abd35cfa63407a50bce0c219f28db4fe4096fe2d8a2f7ed9602a",
    "57122e20ce74240bf5d2f32388456fff33507b093d985d39bfe14df2785d24a4",
    "f9a47dbe410b7d9f1266a19ebf19d5e81565cec62a7a15704b6b61b149fa6c75",
  ],
  [
    "63f22936f826f228ac9dff00f58d582a9a86b25e87d775844995b57e6d717a0f",
    "d711ee15770c299bd2db32be3d757a47df205bfae49f44ec85b14f40445ff1e7",
    "b53c8fc94a09d6f9812638e9c42f00708fbca8b9074be99e8cf17008df1d501d",
    "bb2111e5c04fed29781a3422996491421a08b43537ae938299ba3bca52c2982a",
  ],
  [
    "788e5f5b7f9df59c93a9f4e9b4aa539e1fc901eb573538977d7d5da8499bf48e",
    "0d1688001e6dd1f71351ff088bfbf62eeaf6286945b86e7348e5feafc75e240c",
    "e11128f440ebb22af9d05bf38e8c899d270134e845dd137a63be97ee2776d253",
    "c0020af46a4f1436e01a49e87675b65ecfeb4a71420e8dd5b8dc5e9623e11c1d",
  ],
  [
    "e19cc900104718f79be5d9f5c2014166c490ec8013c14ee4952f7f44f5e0ebfe",
    "c8bb9c8ccf9ae518969aba24d92b3749e4e3e4cfba086ad5ce199ff071755a86",
    "5aa565e62bfb4dc54fd1d4f48613352163b54a069a7d943dd310e2fdd5810e14",
    "453d58a6030089c8efa1633add47a80a9612651a88526b792f0099acedf01e20",
  ],
];

for (const { name, signatures } of signers()) {
  test(`${name}: Ed25519 of RFC 8032`, () => {
    for (const [seed, publicKey, data, signature] of RFC_8032) {
      const signer = signatures.signer(h(seed));
      equal(toHex(signer.publicKey), publicKey);
      equal(toHex(signer.sign(h(data))), signature);
      const input = { data: h(data), signature: h(signature), publicKey: h(publicKey) };
      equal(signatures.verify(input), true);
      equal(signatures.isPublicKey(h(publicKey)), true);
    }
  });

  test(`${name}: any other bit, length or key is no signature`, () => {
    const { data, signature, publicKey } = third();
    const verify = (change: Partial<Parameters<Signatures["verify"]>[0]>) =>
      signatures.verify({ data, signature, publicKey, ...change });
    equal(verify({}), true);
    for (const at of [0, 1, 255, 256, 300, 511]) {
      equal(verify({ signature: flipped(signature, at) }), false, `bit ${at}`);
    }
    for (const at of [0, 128, 255]) {
      equal(verify({ publicKey: flipped(publicKey, at) }), false, `key's bit ${at}`);
    }
    for (const at of [0, 15]) equal(verify({ data: flipped(data, at) }), false);
    equal(verify({ data: data.slice(1) }), false);
    for (const length of [0, 1, 31, 32, 63]) {
      equal(verify({ signature: signature.slice(0, length) }), false);
    }
    equal(verify({ signature: h(`${toHex(signature)}00`) }), false);
    for (const length of [0, 31]) equal(verify({ publicKey: publicKey.slice(0, length) }), false);
    equal(verify({ publicKey: h(`${toHex(publicKey)}00`) }), false);
    equal(verify({ publicKey: h(RFC_8032[1][1]) }), false);
  });

  test(`${name}: one message has one signature: an S of L or more is refused`, () => {
    const [, publicKey, data, signature] = RFC_8032[0];
    const input = { data: h(data), publicKey: h(publicKey) };
    for (const s of SECOND_S) {
      const other = h(signature.slice(0, 64) + s);
      equal(signatures.verify({ ...input, signature: other }), false, s);
    }
  });

  test(`${name}: the verdicts on which libraries differ`, () => {
    for (const { name: which, data, publicKey, signature, verdict } of DISPUTED) {
      const input = { data: h(data), signature: h(signature), publicKey: h(publicKey) };
      equal(signatures.verify(input), verdict, which);
    }
  });

  test(`${name}: a key of small order, which signs anything, signs nothing`, () => {
    // With S = 1, R is the base point, and A = (0, 1) adds nothing to it, whatever the message.
    const base = "5866666666666666666666666666666666666666666666666666666666666666";
    const signature = h(`${base}01${"00".repeat(31)}`);
    for (const key of SMALL_ORDER) {
      const publicKey = h(key);
      equal(signatures.isPublicKey(publicKey), false, key);
      equal(signatures.verify({ data: h("00"), signature, publicKey }), false, key);
    }
  });

  test(`${name}: what key generation cannot give is no key, and nobody agrees with it`, () => {
    const signer = signatures.signer(h(RFC_8032[0][0]));
    for (const key of SMALL_ORDER) equal(signer.agree(h(key)), undefined, key);
    for (const [why, key] of NO_KEYS) {
      equal(signatures.isPublicKey(h(key)), false, why);
      equal(signer.agree(h(key)), undefined, why);
    }
    equal(signatures.isPublicKey(h(WITH_ORDER_2)), false);
    for (const length of [0, 31, 33]) {
      equal(signatures.isPublicKey(new Uint8Array(length).fill(9)), false);
      equal(signer.agree(new Uint8Array(length).fill(9)), undefined);
    }
  });

  test(`${name}: X25519 secrets of Ed25519 keys`, () => {
    for (const [seed, own, peer, secret] of PAIRS) {
      const signer = signatures.signer(h(seed));
      equal(toHex(signer.publicKey), own);
      equal(signer.agree(h(peer)), h(secret));
    }
  });

  test(`${name}: both sides agree on one secret`, () => {
    const [one, other] = [RFC_8032[0], RFC_8032[1]].map(([seed]) => signatures.signer(h(seed)));
    equal(one.agree(other.publicKey), other.agree(one.publicKey));
    equal(one.agree(other.publicKey)?.length, 32);
  });

  test(`${name}: a seed is wiped, and has 32 bytes`, () => {
    const seed = h(RFC_8032[2][0]);
    const signer = signatures.signer(seed);
    equal(seed, new Uint8Array(32));
    equal(toHex(signer.sign(h("af82"))), RFC_8032[2][3]);
    throws(() => signatures.signer(new Uint8Array(31)), /seed of 31 bytes/);
    throws(() => signatures.signer(new Uint8Array(64)), /seed of 64 bytes/);
  });

  test(`${name}: messages of all lengths around a block of SHA-512`, () => {
    const signer = signatures.signer(h(RFC_8032[2][0]));
    for (const length of [0, 47, 48, 63, 64, 111, 112, 200, 1280]) {
      const data = new Uint8Array(length).fill(length);
      const signature = signer.sign(data);
      equal(data, new Uint8Array(length).fill(length));
      const { publicKey } = signer;
      equal(signatures.verify({ data, signature, publicKey }), true, `${length}`);
    }
  });
}

function signers(): { name: string; signatures: Signatures }[] {
  return providers().flatMap(({ name, crypto: { signatures } }) =>
    signatures === undefined ? [] : [{ name, signatures }],
  );
}

/** TEST SHA(abc), the one whose message has some length. */
function third() {
  const [, publicKey, data, signature] = RFC_8032[3];
  return { data: h(data), signature: h(signature), publicKey: h(publicKey) };
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] ^= 1 << (bit & 7);
  return copy;
}
