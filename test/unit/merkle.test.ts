/**
 * The tree of RFC 9162 §2.1 against the test vectors of Certificate Transparency (google's
 * certificate-transparency, cpp/merkletree/merkle_tree_test.cc): eight leaves, and the root of the
 * first n of them.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { isInTree, leafOf, pathOf, rootOf } from "../../modules/device/merkle.js";
import { equal, test, throws } from "../harness.js";

const LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];

const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/** Leaf hash, its place among the first `count` leaves, and the path: of the same tests. */
const PATHS: readonly (readonly [index: number, count: number, path: string])[] = [
  [
    0,
    8,
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7" +
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e" +
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  ],
  [
    5,
    8,
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" +
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0" +
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ],
  [2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
  [
    1,
    5,
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" +
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e" +
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
  ],
];

const crypto = () => new TsCrypto();
const leaves = (count = 8) => LEAVES.slice(0, count).map((leaf) => leafOf(crypto(), fromHex(leaf)));

test("roots of one to eight leaves", () => {
  for (let count = 1; count <= 8; count++) {
    equal(toHex(rootOf(crypto(), leaves(count))), ROOTS[count - 1]);
  }
  throws(() => rootOf(crypto(), []), /without leaves/);
});

test("paths", () => {
  for (const [index, count, path] of PATHS) {
    equal(toHex(pathOf(crypto(), leaves(count), index)), path, `${index} of ${count}`);
    const root = fromHex(ROOTS[count - 1]);
    const proof = { index, count, path: fromHex(path) };
    equal(isInTree(crypto(), leaves()[index], proof, root), true);
  }
});

function isProven(index: number, count: number, path: Uint8Array, leaf = index): boolean {
  const root = rootOf(crypto(), leaves(count));
  return isInTree(crypto(), leaves()[leaf], { index, count, path }, root);
}

test("each leaf of each tree is in it at its own place, and nowhere else", () => {
  for (let count = 1; count <= 8; count++) {
    for (let index = 0; index < count; index++) {
      const path = pathOf(crypto(), leaves(count), index);
      equal(isProven(index, count, path), true, `${index} of ${count}`);
      for (let other = 0; other < 8; other++) {
        if (other === index) continue;
        equal(isProven(index, count, path, other), false, `leaf ${other} at ${index} of ${count}`);
        if (other < count) equal(isProven(other, count, path, index), false);
      }
    }
  }
});

test("a path that is too long, too short or flipped proves nothing", () => {
  const path = pathOf(crypto(), leaves(), 3);
  equal(isProven(3, 8, path), true);
  for (const length of [0, 32, 64, 95]) equal(isProven(3, 8, path.subarray(0, length)), false);
  const longer = new Uint8Array(128);
  longer.set(path);
  equal(isProven(3, 8, longer), false);
  for (let at = 0; at < path.length; at += 7) {
    const bad = path.slice();
    bad[at] ^= 1;
    equal(isProven(3, 8, bad), false, `byte ${at}`);
  }
  equal(isProven(8, 8, path, 3), false, "an index beyond the tree");
});

test("a path ends at the root: what is short is a node's, what is long another tree's", () => {
  const all = leaves(4);
  const inner = rootOf(crypto(), all.slice(0, 2));
  const path = pathOf(crypto(), all, 0);
  const half = { index: 0, count: 4, path: path.subarray(0, 32) };
  equal(isInTree(crypto(), all[0], half, inner), false, "the root of the left half");
  const one = { index: 0, count: 1, path: all[0] };
  equal(isInTree(crypto(), all[1], one, rootOf(crypto(), all.slice(0, 2))), false, "a tree of one");
  const more = { index: 0, count: 2, path };
  equal(isInTree(crypto(), all[0], more, rootOf(crypto(), all)), false, "a tree of two");
});
