/**
 * The native AES-CCM, HMAC, HKDF and Ed25519 against published vectors: NIST's and RFC 3610's for
 * 8-byte tags, Wycheproof and ed25519-speccheck for the rest. test/unit/crypto.test.ts and
 * signatures.test.ts hold what needs no files.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { lacks, thirdPartyVectors } from "../support/skip.js";
import { type SpeccheckCase, VERDICTS } from "../support/verdicts.js";
import { lumicast, make, scratch } from "./lumicast.js";

const FOLDER = thirdPartyVectors;
const missing = lacks("third-party vectors");
const unsigned = missing || lacks("libsodium-dev");
const folder = scratch();

before(() => make("release"));

interface Aead {
  readonly key: string;
  readonly nonce: string;
  readonly aad: string;
  readonly plain: string;
  readonly sealed: string;
  readonly algorithm: number;
  readonly valid: boolean;
}

interface WycheproofTest {
  readonly [field: string]: string;
}

interface WycheproofGroup {
  readonly keySize?: number;
  readonly ivSize?: number;
  readonly tagSize?: number;
  readonly tests: readonly WycheproofTest[];
}

function groups(file: string): readonly WycheproofGroup[] {
  return JSON.parse(readFileSync(join(FOLDER, "wycheproof", file), "utf8")).testGroups;
}

/** Runs a program on XS that has the cases as `cases`, `hex` and `un` (hex to bytes). */
async function onXs(name: string, cases: readonly object[], body: string): Promise<string[]> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  const file = join(folder, `${name}.js`);
  const text = `import { toHex as hex, fromHex as un } from "./modules/bytes/hex.js";
import { HostCrypto } from "./platforms/headless/crypto.js";
import { NobleSignatures } from "./modules/crypto/noble.js";
const cases = ${JSON.stringify(cases)};
export default function () {
  const crypto = new HostCrypto();
  let failures = 0;
  const expect = (good, i) => { if (!good) { failures++; print("case " + i); } };
  for (let i = 0; i < cases.length; i++) { const c = cases[i]; ${body} }
  print("ran " + cases.length);
  return failures;
}`;
  await bundleText(file, text);
  assert.equal(lumicast("release", ["compile", file, `${file}.xsb`]).stderr, "");
  const { stdout, stderr, status } = lumicast("release", ["test", `${file}.xsb`]);
  assert.equal(stderr, "");
  const lines = stdout.trim().split("\n");
  assert.equal(lines.at(-1), `ran ${cases.length}`, stdout);
  assert.equal(status, lines.length > 1 ? 1 : 0);
  return lines.slice(0, -1);
}

const aead = `
  const key = crypto.aeadKey(c.algorithm, un(c.key));
  const box = { nonce: un(c.nonce), aad: un(c.aad) };
  const opened = key.open({ ...box, sealed: un(c.sealed) });
  expect(c.valid ? opened !== undefined && hex(opened) === c.plain : opened === undefined, i);
  if (c.valid) expect(hex(key.seal({ ...box, plain: un(c.plain) })) === c.sealed, i);`;

test("RFC 3610 and NIST: AES-CCM with 13-byte nonces and 8-byte tags", {
  skip: missing,
}, async () => {
  const file = JSON.parse(readFileSync(join(FOLDER, "ccm-13-8.json"), "utf8"));
  const cases: Aead[] = file.tests.map((one: WycheproofTest) => ({
    key: one.key,
    nonce: one.nonce,
    aad: one.aad,
    plain: one.plaintext,
    sealed: one.output,
    algorithm: 10,
    valid: true,
  }));
  const forged = cases.map((one) => ({ ...one, valid: false, sealed: flipped(one.sealed) }));
  assert.ok(cases.length > 5);
  assert.deepEqual(await onXs("ccm8", [...cases, ...forged], aead), []);
});

test("Wycheproof: AES-128-CCM with 13-byte nonces and 16-byte tags", {
  skip: missing,
}, async () => {
  const fitting = groups("aes_ccm_test.json").filter(
    ({ keySize, ivSize, tagSize }) => keySize === 128 && ivSize === 104 && tagSize === 128,
  );
  const cases: Aead[] = fitting.flatMap(({ tests }) =>
    tests.map((one) => ({
      key: one.key,
      nonce: one.iv,
      aad: one.aad,
      plain: one.msg,
      sealed: one.ct + one.tag,
      algorithm: 30,
      valid: one.result === "valid",
    })),
  );
  assert.ok(cases.length > 0, "no fitting group");
  assert.deepEqual(await onXs("ccm16", cases, aead), []);
});

test("Wycheproof: HMAC-SHA-256", { skip: missing }, async () => {
  const cases = groups("hmac_sha256_test.json").flatMap(({ tests }) =>
    tests.map(({ key, msg, tag, result }) => ({ key, msg, tag, valid: result === "valid" })),
  );
  const body = `const mac = hex(crypto.hmac({ key: un(c.key), data: un(c.msg) }));
    expect(mac.startsWith(c.tag) === c.valid, i);`;
  assert.deepEqual(await onXs("hmac", cases, body), []);
});

test("Wycheproof: HKDF-SHA-256", { skip: missing }, async () => {
  const cases = groups("hkdf_sha256_test.json").flatMap(({ tests }) =>
    tests.map(({ ikm, salt, info, size, okm, result }) => {
      return { ikm, salt, info, size: Number(size), okm, valid: result === "valid" };
    }),
  );
  const body = `let out = "refused";
    try {
      const input = { salt: un(c.salt), secret: un(c.ikm), info: un(c.info), length: c.size };
      out = hex(crypto.hkdf(input));
    } catch {}
    expect(c.valid ? out === c.okm : out === "refused", i);`;
  assert.deepEqual(await onXs("hkdf", cases, body), []);
});

/** The last bit of a hex string changed. */
function flipped(hex: string): string {
  return hex.slice(0, -1) + (Number.parseInt(hex.slice(-1), 16) ^ 1).toString(16);
}

interface Signed {
  readonly data: string;
  readonly signature: string;
  readonly key: string;
  readonly valid: boolean;
}

const verified = `
  const input = { data: un(c.data), signature: un(c.signature), publicKey: un(c.key) };
  expect(signatures.verify(input) === c.valid, i);`;

test("Wycheproof: Ed25519 with libsodium", { skip: unsigned }, async () => {
  const file = JSON.parse(readFileSync(join(FOLDER, "wycheproof/ed25519_test.json"), "utf8"));
  type Group = { publicKey: { pk: string }; tests: WycheproofTest[] };
  const cases: Signed[] = file.testGroups.flatMap(({ publicKey, tests }: Group) =>
    tests.map(({ msg, sig, result }) => {
      return { data: msg, signature: sig, key: publicKey.pk, valid: result === "valid" };
    }),
  );
  assert.ok(cases.length > 100);
  const body = `const { signatures } = crypto; ${verified}`;
  assert.deepEqual(await onXs("ed25519", cases, body), []);
});

test("ed25519-speccheck: the agreed verdicts, of libsodium and of noble on XS", {
  skip: unsigned,
}, async () => {
  const path = join(FOLDER, "ed25519-speccheck/cases.json");
  const cases = (JSON.parse(readFileSync(path, "utf8")) as SpeccheckCase[]).map(
    ({ message, pub_key, signature }, i): Signed => {
      return { data: message, signature, key: pub_key, valid: VERDICTS[i].verdict };
    },
  );
  assert.equal(cases.length, VERDICTS.length);
  const both = "[crypto.signatures, new NobleSignatures()]";
  const body = `for (const signatures of ${both}) { ${verified} }`;
  assert.deepEqual(await onXs("speccheck", cases, body), []);
});
