/** Computers that send: what an authority enters of one, and the file that makes it one. */
import { randomBytes } from "node:crypto";
import type { Rows } from "../../modules/authority/ledger.js";
import {
  applications,
  devices,
  groups,
  numberKey,
  numberOf,
} from "../../modules/authority/records.js";
import { enrol } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { formatIpv6 } from "../installation/address.js";
import type { SenderFile, SenderGroup } from "../sender/file.js";
import { type Authority, kidOf } from "./authority.js";
import { keyOf } from "./devices.js";
import { factoryOf } from "./factory.js";
import { Fault } from "./fault.js";
import { checkName } from "./names.js";
import { parseAt } from "./net.js";

export interface SenderArgs {
  readonly name: string;
  /** How long its tokens last; NONE: they do not end. */
  readonly tokenSeconds: number;
  /** Where it reaches this authority. */
  readonly at?: string | undefined;
}

const EUI64_BYTES = 8;
const PSK_BYTES = 16;

/** Enters a sender, or looks up one that was entered; its file. */
export function makeSender(authority: Authority, args: SenderArgs): Promise<SenderFile> {
  const { name, tokenSeconds } = args;
  const { identity } = authority;
  if (identity.role === "kdc") {
    throw new Fault("devices are entered at the Authorization Server; run this with its --state");
  }
  checkName(name);
  const server = reachable(args.at);
  const kdc = centerOf(authority, server);
  const eui64 = new Uint8Array(randomBytes(EUI64_BYTES));
  // Nobody's but ours: locally administered, of one.
  eui64[0] = (eui64[0] | 2) & ~1;
  const psk = new Uint8Array(randomBytes(PSK_BYTES));
  return authority.decide(`sender ${name}`, (rows) => {
    const known = devices.keys(rows).find((key) => devices.need(rows, key).name === name);
    if (known === undefined) {
      rows.put("factory", toHex(eui64), psk);
      enrol(rows, eui64, { name, credential: eui64, scope: [], tokenSeconds });
    }
    const key = known ?? toHex(eui64);
    const { clientId, credential, isLost } = devices.need(rows, keyOf(rows, key));
    if (isLost) throw new Fault(`${name} was reported lost; give the new one another name`);
    const factory = factoryOf(rows, toHex(credential));
    if (factory.by !== "psk") {
      throw new Fault(`${name} shows a public key, and its own is nobody's to write down`);
    }
    return {
      ...{ name, eui64: key, clientId: toHex(clientId) },
      ...{ identity: toHex(credential), psk: toHex(factory.secret), kdc, server },
      groups: groupsIn(rows),
    };
  });
}

/** Throws a Fault where that is every address of this computer, or none that is known. */
export function reachable(at: string | undefined): string {
  if (at !== undefined && parseAt("at", at).address !== "::") return at;
  throw new Fault("--at: where does the sender reach this authority? Say [ADDRESS]:PORT");
}

/** The Key Distribution Center: this program, or the one that it trusts. */
export function centerOf(authority: Authority, server: string): SenderFile["kdc"] {
  const { identity, crypto, signer, kid } = authority;
  const { domain, role, trusts } = identity;
  if (role === "both") {
    const issuer = `${domain}/kdc`;
    const publicKey = toHex(signer.publicKey);
    return { issuer, kid: toHex(kid), publicKey, audience: domain, at: server };
  }
  const card = trusts.find((one) => one.role !== "as" && one.at !== undefined);
  if (card?.at === undefined) {
    throw new Fault("no Key Distribution Center is known here; first: lumicast authority trust");
  }
  return {
    issuer: `${card.domain}/kdc`,
    kid: toHex(kidOf(crypto.sha256(fromHex(card.signing)))),
    publicKey: card.signing,
    audience: card.domain,
    at: card.at,
  };
}

export function groupsIn(rows: Rows): SenderGroup[] {
  return applications.keys(rows).map((key) => {
    const { name, group: securityGroup, address, port } = applications.need(rows, key);
    const { profile, graceSeconds } = groups.need(rows, numberKey(securityGroup));
    const number = numberOf(key);
    return {
      name,
      number,
      securityGroup,
      profile,
      address: formatIpv6(address),
      port,
      graceSeconds,
    };
  });
}
