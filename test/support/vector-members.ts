/** Members of the groups in test/vectors, as each file has them; everything in hex. */
export const MEMBERS = {
  a: {
    id: "25",
    seed: "70805781ce221dfdb1efbe27c4f85f34a1c42853fc2901880d5eb63de747b7cb",
    key: "418bf89f58eca0e90b663d0064566098e4268b3865aac24de562dd5f0bdf8cf5",
  },
  b: {
    id: "52",
    seed: "a2e487403e2fb12e9e3f73f23725107e4e5e85409f1e0828d52c40ce4e68645e",
    key: "4f7b67187aa21f481b3c041b5d7d5b87c70bf79361c1a2d24da20e8bde7d0387",
  },
  c: {
    id: "77",
    seed: "51eec6d1abce8fa66456703b75da3f649f1ea816b42e3c60aa224330739e339c",
    key: "44974031a96e358f11fd628ec7f158d035b134003a8ea0797de1a4093432b3e2",
  },
} as const;

export type Name = keyof typeof MEMBERS;
