/**
 * Labels: what a factory gives devices, the list that it keeps of that, and the sheet to stick on
 * them. The secrets are in these files alone, which only their owner may read; nothing here is said
 * or logged.
 */
import { createECDH, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import qrcode from "qrcode-generator";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { emitFactory } from "../../modules/commission/factory.js";
import { LABEL_BYTES, labelCode, labelText, parseLabel } from "../../modules/commission/label.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import { Fault } from "./fault.js";
import { checkRights } from "./identity.js";

export type RoleName = (typeof ROLE_NAMES)[number];

export interface Label {
  /** In hex. */
  readonly eui64: string;
  readonly printed: Uint8Array;
  readonly role: RoleName | undefined;
  readonly name: string | undefined;
}

export const LABELS_MAX = 1000;
const LIST = "labels.txt";
const SHEET = "labels.html";
const KEY_BYTES = 32;
const EUI64_BYTES = 8;
/** Of both sides of a QR code, in its modules (ISO/IEC 18004 §6.3.8). */
const QUIET = 4;
const OWNER_ONLY = 0o600;
const OWNER_ONLY_FOLDER = 0o700;
const HEAD =
  "# Who can read this can join these devices. Text of the QR code, role, and a name if you like\n";

export interface MakeArgs {
  readonly count: number;
  readonly role: RoleName;
  /** EUI-64 of the first, in hex; the others follow it. */
  readonly first: string | undefined;
  readonly folder: string;
  /** Whether they may be joined by a press alone, with a key of their own. */
  readonly trustsPresses: boolean;
}

export interface Made {
  readonly devices: readonly { readonly eui64: string; readonly blob: string }[];
  readonly list: string;
  readonly sheet: string;
}

/** A factory record for each device, the list of their labels, and the sheet. Throws a Fault. */
export function makeLabels(crypto: Crypto, args: MakeArgs): Made {
  const { count, role, folder, trustsPresses } = args;
  mkdirSync(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  const list = join(folder, LIST);
  if (existsSync(list)) throw new Fault(`there is a ${list} already; name another folder`);
  const first = args.first === undefined ? ownBlock() : BigInt(`0x${args.first}`);
  const labels: Label[] = [];
  const devices: Made["devices"][number][] = [];
  for (let at = 0; at < count; at++) {
    const eui64 = (first + BigInt(at)).toString(16).padStart(2 * EUI64_BYTES, "0");
    const printed = new Uint8Array(randomBytes(LABEL_BYTES));
    labels.push({ eui64, printed, role, name: undefined });
    const rawKey = trustsPresses ? factoryKey() : undefined;
    const blob = join(folder, `${eui64}.cbor`);
    const number = ROLE_NAMES.indexOf(role) + 1;
    const known = { eui64: fromHex(eui64), role: number, label: printed, n: 0 };
    writeNew(blob, emitFactory({ ...known, rawKey, trustOnPress: trustsPresses }));
    devices.push({ eui64, blob });
  }
  writeNew(list, HEAD + labels.map((one) => `${textFor(crypto, one)} ${one.role}\n`).join(""));
  const sheet = join(folder, SHEET);
  writeNew(sheet, sheetOf(crypto, labels));
  return { devices, list, sheet };
}

/** Throws a Fault that names the line, and nothing that stands there. */
export function readLabels(crypto: Crypto, path: string): Label[] {
  if (!existsSync(path)) throw new Fault(`there is no ${path}; lumicast labels make N writes one`);
  checkRights(path);
  const lines = readFileSync(path, "utf8").split("\n");
  const labels = lines.flatMap((line, at): Label[] => {
    const [text, ...more] = line.trim().split(/\s+/);
    if (text === "" || text.startsWith("#")) return [];
    const where = `${path}, line ${at + 1}`;
    const label = parseLabel(crypto, text);
    if (!label.ok) throw new Fault(`${where}: ${label.why}`);
    const { eui64, printed } = label;
    if (eui64 === undefined) {
      throw new Fault(`${where}: it does not say whose label it is; write the text of the QR code`);
    }
    const [role, name] = ROLE_NAMES.some((one) => one === more[0]) ? more : [undefined, more[0]];
    return [{ eui64, printed, role: role as RoleName | undefined, name }];
  });
  if (labels.length > LABELS_MAX) throw new Fault(`${path}: more than ${LABELS_MAX} labels`);
  return labels;
}

/** Writes the sheet of a list. Throws a Fault. */
export function writeSheet(crypto: Crypto, labels: readonly Label[], path: string): void {
  writeNew(path, sheetOf(crypto, labels));
}

/** What its QR code says: without small letters, for a code with fewer modules. */
export function textFor(crypto: Crypto, { eui64, printed }: Label): string {
  return labelText(crypto, fromHex(eui64), printed).toUpperCase();
}

/** For a printer: HTML with a drawing each, that asks nobody for anything. */
export function sheetOf(crypto: Crypto, labels: readonly Label[]): string {
  const body = labels.map((label) => {
    const code = labelCode(crypto, label.printed);
    const half = code.split("-").slice(0, 4).join("-");
    const rest = code.slice(half.length + 1);
    const about = [label.name, label.role].filter((one) => one !== undefined).join(", ");
    return `<figure>${drawingOf(textFor(crypto, label))}<figcaption><b>${escaped(about)}</b>
<small>${label.eui64}</small><code>${half}<br>${rest}</code></figcaption></figure>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Labels</title>
<style>
@page { margin: 10mm }
body { margin: 0; display: flex; flex-wrap: wrap; gap: 4mm; color: #000; background: #fff }
figure { margin: 0; width: 88mm; height: 36mm; display: flex; break-inside: avoid;
  border: 0.2mm solid #bbb; font: 9pt sans-serif }
svg { width: 36mm; height: 36mm }
figcaption { display: flex; flex-direction: column; justify-content: center; gap: 1.5mm }
code { font: bold 9.5pt monospace; line-height: 1.5 }
</style>
</head>
<body>
${body.join("\n")}
</body>
</html>
`;
}

function drawingOf(text: string): string {
  const code = qrcode(0, "M");
  code.addData(text, "Alphanumeric");
  code.make();
  const count = code.getModuleCount();
  let path = "";
  for (let y = 0; y < count; y++) {
    for (let x = 0; x < count; x++) {
      if (code.isDark(y, x)) path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`;
    }
  }
  const side = count + 2 * QUIET;
  const box = `viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box}><path d="${path}"/></svg>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Of nobody's company: locally administered, and drawn. */
function ownBlock(): bigint {
  const eui64 = new Uint8Array(randomBytes(EUI64_BYTES));
  eui64[0] = (eui64[0] | 2) & ~1;
  eui64[6] = 0;
  eui64[7] = 1;
  return BigInt(`0x${toHex(eui64)}`);
}

/** P-256, private. */
function factoryKey(): Uint8Array {
  const pair = createECDH("prime256v1");
  pair.generateKeys();
  const key = new Uint8Array(KEY_BYTES);
  const drawn = pair.getPrivateKey();
  key.set(drawn, KEY_BYTES - drawn.length);
  return key;
}

/** Nothing is written over: a label that is lost is lost for its device. */
function writeNew(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content, { mode: OWNER_ONLY, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Fault(`there is a ${path} already; name another`);
  }
}
