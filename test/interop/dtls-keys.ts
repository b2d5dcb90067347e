/** Keys and certificates on P-256, made anew for a test: PEM for others, hex for us. */
import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { toHex } from "../../modules/bytes/hex.js";
import type { Folder } from "./programs.js";

export interface TestKey {
  /** Files in PEM. */
  readonly privateFile: string;
  readonly publicFile: string;
  /** The private number, 32 bytes, and the uncompressed point, 65, in hex. */
  readonly secret: string;
  readonly point: string;
}

export function testKey(folder: Folder, name: string): TestKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { d = "" } = privateKey.export({ format: "jwk" });
  const spki = publicOf(privateKey).export({ format: "der", type: "spki" });
  const pem = (key: KeyObject, type: "pkcs8" | "spki") => key.export({ format: "pem", type });
  return {
    privateFile: folder.file(`${name}.key`, pem(privateKey, "pkcs8") as string),
    publicFile: folder.file(`${name}.pub`, pem(publicOf(privateKey), "spki") as string),
    secret: Buffer.from(d, "base64url").toString("hex").padStart(64, "0"),
    point: toHex(spki.subarray(-65)),
  };
}

function publicOf(key: KeyObject): KeyObject {
  return createPublicKey(key);
}

/** A certificate in a file and as DER. */
export interface TestCertificate {
  readonly file: string;
  readonly der: string;
}

/** By OpenSSL: of itself, or issued by another. `extensions` as its configuration has them. */
export function testCertificate(
  folder: Folder,
  name: string,
  key: TestKey,
  extensions: readonly string[],
  issuer?: { readonly certificate: TestCertificate; readonly key: TestKey },
): TestCertificate {
  const file = folder.file(`${name}.pem`);
  const request = ["req", "-x509", "-new", "-key", key.privateFile, "-subj", `/CN=${name}`];
  const by =
    issuer === undefined ? [] : ["-CA", issuer.certificate.file, "-CAkey", issuer.key.privateFile];
  const more = extensions.flatMap((extension) => ["-addext", extension]);
  const config = folder.file("openssl.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
  const all = [...request, ...by, ...more, "-days", "2", "-sha256", "-config", config];
  execFileSync("openssl", [...all, "-out", file], { stdio: "pipe" });
  const body = readFileSync(file, "utf8").replace(/-----[^-]+-----|\s/g, "");
  return { file, der: Buffer.from(body, "base64").toString("hex") };
}
