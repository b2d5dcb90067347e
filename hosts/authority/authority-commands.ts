/** `lumicast authority ...`: the authority itself. */
import { existsSync, readFileSync } from "node:fs";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { parseCertificate } from "../../modules/dtls/certificate.js";
import { parseWebAt } from "../web/open.js";
import type { WebAt } from "../web/server.js";
import { Authority } from "./authority.js";
import { type Command, FLAG, TEXT, textOf } from "./command.js";
import { isRunning } from "./control.js";
import { NodeCrypto } from "./crypto.js";
import { announce } from "./dns-sd.js";
import { expiringLines, expiringOf, isEndless } from "./expiring.js";
import { counted, Fault, UsageError } from "./fault.js";
import {
  type Card,
  checkRights,
  newIdentity,
  ROLES,
  readIdentity,
  writeIdentity,
} from "./identity.js";
import { networkOf, reachedAt } from "./interfaces.js";
import { parseAt } from "./net.js";
import { type AuthorityPageOptions, openAuthorityPage } from "./page.js";
import { Pairs } from "./pairs.js";
import { certificatesIn } from "./pem.js";
import { type Served, serve } from "./serve.js";
import type { State } from "./state.js";
import { webPassword } from "./web-command.js";
import type { Say } from "./works.js";

/** What DTLS lets through (modules/dtls/messages.ts). */
const CHAIN_MAX = 4;

const init: Command = {
  words: "authority init",
  usage: "--domain NAME [--role both|as|kdc]",
  about: "Begins an authority: its key, and an empty ledger.",
  help: `  --domain NAME      the place it is for: a-z, 0-9, . and -
  --role ROLE        both; or as (Authorization Server) and kdc (Key Distribution Center), two
                     programs with a folder each, that are made known to each other: authority trust
`,
  options: { domain: TEXT, role: { ...TEXT, default: "both" } },
  operands: [0, 0],
  run: async ({ state, open, values }) => {
    const domain = textOf(values, "domain");
    if (domain === undefined) throw new UsageError("--domain: what is the place called?");
    const role = ROLES.find((name) => name === values.role);
    if (role === undefined) throw new UsageError(`--role: say ${ROLES.join(", ")}`);
    if (existsSync(state.key)) {
      throw new Fault(`there is an authority in ${state.folder} already; take another --state`);
    }
    const identity = newIdentity(domain, role, open.database);
    state.make();
    writeIdentity(state.key, identity);
    const authority = await Authority.open(state, { create: true });
    await authority.decide(`authority init ${domain}`, () => undefined);
    await authority.touch();
    await authority.close();
    const lines = [
      `${authority.name} is in ${state.folder}; next: lumicast backup FILE, once it has devices`,
    ];
    return { json: authority.card, lines };
  },
};

const show: Command = {
  words: "authority show",
  usage: "",
  about: "Who it is (its public keys, for authority trust), and how much it holds.",
  help: "",
  options: {},
  operands: [0, 0],
  run: async ({ work }) => {
    const shown = await work("show", {});
    const { name, role, at, running, devices, groups, expiring } = shown;
    const where = running ? `runs${at === undefined ? "" : ` on ${at}`}` : "does not run";
    return {
      json: shown,
      lines: [
        `${name} (${role}) ${where}: ${counted(devices, "device")}, ${counted(groups, "group")}`,
        ...expiringLines(expiring),
      ],
    };
  },
};

const trust: Command = {
  words: "authority trust",
  usage: "CARD [--at [ADDRESS]:PORT] [--by-reference] [--bearer] [--oscore FILE]",
  about: "Makes another authority known: a KDC's AS, or an AS's KDC.",
  help: `  --at [ADDR]:PORT   where it listens; an AS has to know that of its KDCs
  --by-reference     tokens for this KDC are names only, and it asks here what they stand for: one
                     that is revoked counts no more at once. It has to know where this AS listens
  --bearer           tokens for this KDC name no key: who comes with one first has its client id and
                     rights, whoever it was given to
  --oscore FILE      they talk by OSCORE in place of DTLS: FILE holds a secret of 16 to 64 bytes as
                     hex digits, the same for both ends, a new one each time (openssl rand -hex 16)

CARD is what \`authority show --json\` said there; carry it here by hand, for who can change it can
give himself all keys. The authority has to be started anew.
`,
  options: { at: TEXT, "by-reference": FLAG, bearer: FLAG, oscore: TEXT },
  operands: [1, 1],
  run: async ({ state, values, operands }) => {
    state.check();
    const identity = readIdentity(state.key);
    if (await isRunning(state)) throw new Fault("it runs; stop it first: lumicast authority stop");
    const at = textOf(values, "at");
    const read = cardOf(operands[0], at);
    const secret = textOf(values, "oscore");
    const card: Card = {
      ...read,
      ...(values["by-reference"] === true ? { byReference: true } : {}),
      ...(values.bearer === true ? { bearer: true } : {}),
      ...(secret === undefined ? {} : { oscore: pairSecretOf(secret) }),
    };
    if (identity.role === "as" && card.role !== "as" && card.at === undefined) {
      throw new UsageError("--at: where does this KDC listen? Say [ADDRESS]:PORT");
    }
    for (const option of ["by-reference", "bearer"]) {
      const isMisplaced = identity.role !== "as" || card.role === "as";
      if (values[option] !== true || !isMisplaced) continue;
      throw new UsageError(`--${option}: it is an AS that says so, of a KDC`);
    }
    if (card.oscore !== undefined) enterSecret(state, fromHex(card.oscore));
    const others = identity.trusts.filter(({ name }) => name !== card.name);
    writeIdentity(state.key, { ...identity, trusts: [...others, card] });
    const { oscore, ...shown } = card;
    const over = oscore === undefined ? "" : ", over OSCORE";
    return { json: shown, lines: [`${card.name} is trusted as ${card.role}${over}`] };
  },
};

const certify: Command = {
  words: "authority certify",
  usage: "FILE",
  about: "Gives it a certificate of its channel's key, for devices that believe certificates.",
  help: `
FILE holds X.509 in PEM: of the key that \`authority show --json\` calls "channel", then of who
issued it, at most four. Devices look for a name in it, and other devices must not get one with that
name.
The authority has to be started anew.
`,
  options: {},
  operands: [1, 1],
  run: async ({ state, operands }) => {
    state.check();
    const identity = readIdentity(state.key);
    if (await isRunning(state)) throw new Fault("it runs; stop it first: lumicast authority stop");
    const chain = certificatesIn("FILE", operands[0]);
    const { publicKey } = new NodeCrypto().p256.keyPair(identity.channel.slice());
    const own = parseCertificate(fromHex(chain[0]));
    if (own === undefined || toHex(own.publicKey) !== toHex(publicKey)) {
      throw new Fault(`${operands[0]} begins with the certificate of another key than this one's`);
    }
    if (chain.length > CHAIN_MAX) throw new Fault(`${operands[0]} holds more than ${CHAIN_MAX}`);
    writeIdentity(state.key, { ...identity, chain });
    const { names } = own;
    return { json: { names }, lines: [`devices know it as ${names.join(", ")}`] };
  },
};

function pairSecretOf(file: string): string {
  if (!existsSync(file)) throw new Fault(`--oscore: there is no ${file}`);
  checkRights(file);
  const secret = readFileSync(file, "utf8").trim().toLowerCase();
  if (/^([0-9a-f]{2}){16,64}$/.test(secret)) return secret;
  throw new Fault(`--oscore: ${file} holds no 16 to 64 bytes as hex digits: openssl rand -hex 16`);
}

function enterSecret(state: State, secret: Uint8Array): void {
  const pairs = Pairs.open(state, new NodeCrypto());
  try {
    pairs.enter(secret);
  } finally {
    pairs.close();
  }
}

/** Throws a Fault where it is none. */
export function cardOf(file: string, at: string | undefined): Card {
  if (!existsSync(file)) throw new Fault(`there is no ${file}; make it: authority show --json`);
  let read: Partial<Card> = {};
  try {
    read = JSON.parse(readFileSync(file, "utf8")) as Partial<Card>;
  } catch {
    // It is none, whatever it is.
  }
  const { role, name, domain, signing, channel } = read;
  const isKey = /^[0-9a-f]{64}$/.test(signing ?? "") && /^04[0-9a-f]{128}$/.test(channel ?? "");
  if (!isKey || name === undefined || domain === undefined || role === undefined) {
    throw new Fault(`${file} is no card; make it there: lumicast authority show --json > ${file}`);
  }
  const where = at ?? read.at;
  return {
    role,
    name,
    domain,
    signing,
    channel,
    ...(where === undefined ? {} : { at: where }),
  } as Card;
}

const start: Command = {
  words: "authority start",
  usage: "[--listen [ADDRESS]:PORT] [--interface NAME] [--web [ADDRESS:]PORT]",
  about: "Runs the authority, until Ctrl-C or authority stop.",
  help: `  --listen [ADDR]:PORT   UDP, IPv6 ([::]:5684)
  --interface NAME       where the devices are, for what is said to all of a group at once: new keys
                         of key trees (that of --listen, where it names an address)
  --web [ADDR:]PORT      a page for people, too; without ADDRESS only on this computer
  --open-view            the page is shown to who has not logged in; to change, one has to

Devices get their tokens and keys from it over DTLS; other commands reach it through its folder.
`,
  options: {
    listen: { ...TEXT, default: "[::]:5684" },
    interface: TEXT,
    web: TEXT,
    "open-view": FLAG,
  },
  operands: [0, 0],
  run: async ({ state, open, values, say }) => {
    const at = parseAt("listen", textOf(values, "listen") ?? "");
    const network = textOf(values, "interface");
    const web = webAtOf(textOf(values, "web"));
    if (await isRunning(state)) throw new Fault(`an authority runs in ${state.folder} already`);
    const authority = await Authority.open(state, open);
    const before = Date.now();
    try {
      const served = await serve(authority, { ...at, network, say });
      const looks = { isOpen: values["open-view"] === true, say };
      const page = web && (await pageOf(authority, served, { at: web, ...looks }));
      const announced = await announcedAt(authority, served, { ...at, network });
      say(`${authority.name} runs on ${served.at}; Ctrl-C ends it`);
      const why = await Promise.race([served.stopped.then(() => "asked to"), interrupted()]);
      await told(authority, why === "interrupted" ? say : () => {});
      announced?.close();
      await page?.close();
      await served.close();
      const seconds = Math.round((Date.now() - before) / 1000);
      const json = { name: authority.name, at: served.at, seconds, why };
      return { json, lines: [`stopped after ${seconds} s: ${why}`] };
    } finally {
      await authority.close();
    }
  },
};

function webAtOf(text: string | undefined): WebAt | undefined {
  const at = text === undefined ? undefined : parseWebAt(text);
  if (text === undefined || at !== undefined) return at;
  throw new UsageError(`--web: ${text} is no place; say 8780, 192.0.2.7:8780 or [::1]:8780`);
}

/** An authority whose page cannot be is none. */
async function pageOf(
  authority: Authority,
  served: Served,
  looks: Omit<AuthorityPageOptions, "running" | "words" | "ears">,
): Promise<{ close(): Promise<void> }> {
  try {
    const { running, words, ears } = served;
    return await openAuthorityPage(authority, { ...looks, running, words, ears });
  } catch (error) {
    await served.close();
    throw error;
  }
}

/** To `lumicast scan` of others; where the network's name is not known, or not ours, to nobody. */
async function announcedAt(
  authority: Authority,
  { at }: Served,
  where: { address: string; network?: string | undefined },
): Promise<{ close(): void } | undefined> {
  try {
    const network = networkOf(where);
    if (network === undefined) return undefined;
    const { address, port } = parseAt("listen", reachedAt(at, network));
    const about = [`role=${authority.identity.role}`, `kid=${toHex(authority.kid)}`];
    return await announce(network, {
      name: authority.identity.domain.replaceAll(".", "-"),
      address,
      port,
      about,
    });
  } catch {
    // Nobody has to find it by itself.
    return undefined;
  }
}

/** Resolves at Ctrl-C, or when the system ends us. */
function interrupted(): Promise<string> {
  return new Promise((resolve) => {
    const end = () => resolve("interrupted");
    process.once("SIGINT", end).once("SIGTERM", end);
  });
}

/** Ctrl-C is not asked back; it is told what will end. */
async function told(authority: Authority, say: Say): Promise<void> {
  const expiring = await authority.read((rows) => expiringOf(rows, authority.now()));
  if (isEndless(expiring)) return;
  say("start it again before these end:");
  for (const line of expiringLines(expiring)) say(`  ${line}`);
}

const stop: Command = {
  words: "authority stop",
  usage: "[--anyway]",
  about: "Ends the authority that runs, unless tokens or keys would end without it.",
  help: `  --anyway           also then

Lamps and switches go on without it. Ctrl-C ends it too, to be started again.
`,
  options: { anyway: FLAG },
  operands: [0, 0],
  run: async ({ state, values, work }) => {
    if (!(await isRunning(state))) throw new Fault(`no authority runs in ${state.folder}`);
    const stopped = await work("stop", { anyway: values.anyway === true });
    return { json: stopped, lines: ["stopped"] };
  },
};

export const AUTHORITY_COMMANDS: readonly Command[] = [
  ...[init, start, stop, show, trust, certify, webPassword],
];
