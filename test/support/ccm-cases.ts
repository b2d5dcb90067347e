import { fromHex } from "../../modules/bytes/hex.js";

export interface CcmCase {
  readonly name: string;
  /** Number in the crypto port. */
  readonly algorithm: number;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly plain: Uint8Array;
  /** Ciphertext, then the tag. */
  readonly sealed: Uint8Array;
}

/**
 * AES-CCM answers of others: RFC 3610 §8 (those with 8-byte tags), NIST's validation vectors, C2SP
 * Wycheproof's testvectors_v1/aes_ccm_test.json, and cose-wg/Examples aes-ccm-examples.
 */
export function ccmCases(): CcmCase[] {
  return ROWS.map(([name, algorithm, key, nonce, aad, plain, sealed]) => ({
    name,
    algorithm,
    key: fromHex(key),
    nonce: fromHex(nonce),
    aad: fromHex(aad),
    plain: fromHex(plain),
    sealed: fromHex(sealed),
  }));
}

/** Name, algorithm, key, nonce, aad, plaintext, ciphertext with tag. */
const ROWS: readonly (readonly [string, number, string, string, string, string, string])[] = [
  [
    "RFC 3610 packet vector #1",
    10,
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
    "00000003020100a0a1a2a3a4a5",
    "0001020304050607",
    "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
    "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0",
  ],
  [
    "RFC 3610 packet vector #2",
    10,
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
    "00000004030201a0a1a2a3a4a5",
    "0001020304050607",
    "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3ba091d56e10400916",
  ],
  [
    "RFC 3610 packet vector #3",
    10,
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
    "00000005040302a0a1a2a3a4a5",
    "0001020304050607",
    "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    "51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da8596574adaa76fbd9fb0c5",
  ],
  [
    "RFC 3610 packet vector #4",
    10,
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
    "00000006050403a0a1a2a3a4a5",
    "000102030405060708090a0b",
    "0c0d0e0f101112131415161718191a1b1c1d1e",
    "a28c6865939a9a79faaa5c4c2a9d4a91cdac8c96c861b9c9e61ef1",
  ],
  [
    "RFC 3610 packet vector #5",
    10,
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
    "00000007060504a0a1a2a3a4a5",
    "000102030405060708090a0b",
    "0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "dcf1fb7b5d9e23fb9d4e131253658ad86ebdca3e51e83f077d9c2d93",
  ],
  [
    "RFC 3610 packet vector #6",
    10,
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
    "00000008070605a0a1a2a3a4a5",
    "000102030405060708090a0b",
    "0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    "6fc1b011f006568b5171a42d953d469b2570a4bd87405a0443ac91cb94",
  ],
  [
    "RFC 3610 packet vector #13",
    10,
    "d7828d13b2b0bdc325a76236df93cc6b",
    "00412b4ea9cdbe3c9696766cfa",
    "0be1a88bace018b1",
    "08e8cf97d820ea258460e96ad9cf5289054d895ceac47c",
    "4cb97f86a2a4689a877947ab8091ef5386a6ffbdd080f8e78cf7cb0cddd7b3",
  ],
  [
    "RFC 3610 packet vector #14",
    10,
    "d7828d13b2b0bdc325a76236df93cc6b",
    "0033568ef7b2633c9696766cfa",
    "63018f76dc8a1bcb",
    "9020ea6f91bdd85afa0039ba4baff9bfb79c7028949cd0ec",
    "4ccb1e7ca981befaa0726c55d378061298c85c92814abc33c52ee81d7d77c08a",
  ],
  [
    "RFC 3610 packet vector #15",
    10,
    "d7828d13b2b0bdc325a76236df93cc6b",
    "00103fe41336713c9696766cfa",
    "aa6cfa36cae86b40",
    "b916e0eacc1c00d7dcec68ec0b3bbb1a02de8a2d1aa346132e",
    "b1d23a2220ddc0ac900d9aa03c61fcf4a559a4417767089708a776796edb723506",
  ],
  [
    "RFC 3610 packet vector #16",
    10,
    "d7828d13b2b0bdc325a76236df93cc6b",
    "00764c63b8058e3c9696766cfa",
    "d0d0735c531e1becf049c244",
    "12daac5630efa5396f770ce1a66b21f7b2101c",
    "14d253c3967b70609b7cbb7c499160283245269a6f49975bcadeaf",
  ],
  [
    "RFC 3610 packet vector #17",
    10,
    "d7828d13b2b0bdc325a76236df93cc6b",
    "00f8b678094e3b3c9696766cfa",
    "77b60f011c03e1525899bcae",
    "e88b6a46c78d63e52eb8c546efb5de6f75e9cc0d",
    "5545ff1a085ee2efbf52b2e04bee1e2336c73e3f762c0c7744fe7e3c",
  ],
  [
    "RFC 3610 packet vector #18",
    10,
    "d7828d13b2b0bdc325a76236df93cc6b",
    "00d560912d3f703c9696766cfa",
    "cd9044d2b71fdb8120ea60c0",
    "6435acbafb11a82e2f071d7ca4a5ebd93a803ba87f",
    "009769ecabdf48625594c59251e6035722675e04c847099e5ae0704551",
  ],
  [
    "NIST VTT AES-128, Plen 24, Alen 32",
    10,
    "368f35a1f80eaaacd6bb136609389727",
    "842a8445847502ea77363a16b6",
    "34396dfcfa6f742aea7040976bd596497a7a6fa4fb85ee8e4ca394d02095b7bf",
    "1cccd55825316a94c5979e049310d1d717cdfb7624289dac",
    "1a58094f0e8c6035a5584bfa8d1009c5f78fd2ca487ff222f6d1d897d6051618",
  ],
  [
    "Wycheproof aes_ccm 265",
    30,
    "694a2ae94cc2fc6c82dcd16c58a34195",
    "8b4de9497e78d9c73bdcb374de",
    "",
    "",
    "36b20bcb064609cbc03ae32786f72eb5",
  ],
  [
    "Wycheproof aes_ccm 266",
    30,
    "268c961a4fa54c214a2af8fe76a277cc",
    "f13443da0e412f1cc7a90165c6",
    "4fad12b402c58029",
    "",
    "be58071342c9348baf78104e2258e616",
  ],
  [
    "Wycheproof aes_ccm 267",
    30,
    "7c5aa1cd2fc171d5bb91ee74f31e1a63",
    "70a2a5303734517827faa7ee78",
    "",
    "4bd1d3427e0735a08f475bc73ec3648c",
    "9ab61214ea6611510706315f0fc9bd65a2b3fc3c1349cbfd9ded7cc32effb389",
  ],
  [
    "Wycheproof aes_ccm 268",
    30,
    "e74b73c2ad93d38dd4432d6e51d3e3ec",
    "06ee28ea532ff5aae6b0f6a28a",
    "10bc9864f1332e41",
    "aad5d758041e5443ede7e9bbac1db490",
    "d3ed6bb55d98b00e1b76938a1c6bd5ed22201e4eb2a42291a7d57e357082d77e",
  ],
  [
    "Wycheproof aes_ccm 269",
    30,
    "be707774d9eab370db4e8250297a7437",
    "7944b487d59b6ffcc96c9df62d",
    "",
    "28eab56885e1e12bd72def1138237f0dbc",
    "ee05ffeaab17bb4de94527e0297058c48bff899f929b371639d48c3c447f51c577",
  ],
  [
    "Wycheproof aes_ccm 270",
    30,
    "30829416d80d4b6dd91a16c4694c5acd",
    "8bc7ecd5bde196b72319de6b77",
    "970fe65b7789a555",
    "4a3122f801d6638228fa0e30af3f36627a",
    "5125ed68afbd34bc00c73171ada31ee84a1da320c8bab525e375f37a3bba3e0eb9",
  ],
  [
    "COSE AES-CCM-ENC-01",
    10,
    "849b57219dae48de646d07dbb533566e",
    "89f52f65a1c580933b5261a72f",
    "8368456e63727970743043a1010a40",
    "546869732069732074686520636f6e74656e742e",
    "6899da0a132bd2d2b9b10915743ee1f7b92a4680e7c51bdbc1b320ea",
  ],
  [
    "COSE AES-CCM-ENC-02",
    30,
    "849b57219dae48de646d07dbb533566e",
    "89f52f65a1c580933b5261a72f",
    "8368456e63727970743044a101181e40",
    "546869732069732074686520636f6e74656e742e",
    "6899da0a132bd2d2b9b10915743ee1f7b92a4680903f2c00d37e14d4ebdc7ef2c03cf5a9",
  ],
  [
    "COSE AES-CCM-ENC-03",
    12,
    "849b57219dae48de646d07dbb533566e",
    "89f52f65a1c580",
    "8368456e63727970743043a1010c40",
    "546869732069732074686520636f6e74656e742e",
    "191bd858dec79fc11da3428bdfa446ac240d591ffcf91eeb8035f87a",
  ],
  [
    "Wycheproof aes_ccm 362",
    -65538,
    "ea5a915fd7be0aaf14b88f5dc4fd719a",
    "aeecf19f7d3379ee55ba6468",
    "13791aad5812a362291a4f6d63687d33",
    "d313e09cd48b06f16ef9178e42624bd0",
    "f9bc9a66186b6a60035d144dfb34c4af2fb637ff91d6fd9e",
  ],
  [
    "Wycheproof aes_ccm 364",
    -65538,
    "03ad5f472b978c5f72b7b1c29080374c",
    "770dcc2ea1c2d9f6c904947d",
    "972c90e387f0af936b1c9db0ebfebbe9",
    "78470511caf12cb882628092bb573bde8c",
    "3fb22c2c366c0a46ba1640eccb544dbdd23ec7c4888a1288fc",
  ],
  [
    "Wycheproof aes_ccm 366",
    -65538,
    "c08339a6f80b84e201e3d6030cdb3f02",
    "1cbf2ca31330abe749db588b",
    "b535a847dfc962012d913a4076f58f9f",
    "4f9fd6ad1656cce99af7469960073a241569ce32dad558111b50306053a0b6",
    "c91d4c8bf7fdba49b87001fc3ec95f455ba32bc05ba336bc3d58f4ad08b5bc34d622fe4ba3cac5",
  ],
];
