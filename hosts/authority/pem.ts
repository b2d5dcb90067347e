/** Public keys and certificates as other tools write them (RFC 7468). */
import { existsSync, readFileSync } from "node:fs";
import { parseCertificate } from "../../modules/dtls/certificate.js";
import { pointOf } from "../../modules/dtls/der.js";
import { Fault } from "./fault.js";

/** All that `file` holds under a label, in DER. Throws a Fault where there is none. */
function readPem(option: string, file: string, label: string): Uint8Array[] {
  if (!existsSync(file)) throw new Fault(`${option}: there is no ${file}`);
  const text = readFileSync(file, "utf8");
  const block = new RegExp(
    `-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`,
    "g",
  );
  const all = [...text.matchAll(block)].map(([, body]) => {
    return Uint8Array.from(Buffer.from(body, "base64"));
  });
  if (all.length === 0) throw new Fault(`${option}: ${file} holds no ${label} in PEM`);
  return all;
}

/** A P-256 point in hex: written so, or in a file. Throws a Fault. */
export function publicKeyIn(option: string, text: string): string {
  if (/^[0-9a-fA-F]+$/.test(text)) return text.toLowerCase();
  const [info] = readPem(option, text, "PUBLIC KEY");
  const point = pointOf(info);
  if (point === undefined) throw new Fault(`${option}: the key in ${text} is none on P-256`);
  return Buffer.from(point).toString("hex");
}

/** Certificates of P-256 keys in hex, in the file's order. Throws a Fault. */
export function certificatesIn(option: string, file: string): string[] {
  const all = readPem(option, file, "CERTIFICATE");
  if (!all.every((der) => parseCertificate(der) !== undefined)) {
    throw new Fault(`${option}: ${file} has to hold X.509 v3 on P-256 with ECDSA and SHA-256`);
  }
  return all.map((der) => Buffer.from(der).toString("hex"));
}
