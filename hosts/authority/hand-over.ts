/**
 * What an operator does to leave (modules/authority/leaving.ts): a list of devices for the KDC that
 * follows, and then the word that they are told.
 */
import {
  CLIENT,
  clientsIn,
  isSameKdc,
  leavingIn,
  leavingOf,
  TO,
} from "../../modules/authority/leaving.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { lastIssued } from "../../modules/authority/narrowing.js";
import {
  clientIn,
  devices,
  groups,
  leavings,
  members,
  numberKey,
  numberOf,
  ownerOf,
  type Successor,
  successors,
} from "../../modules/authority/records.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { readUint } from "../../modules/bytes/uint.js";
import { type Authority, kidOf, random } from "./authority.js";
import { nameOfClient, orNull, type Shipped } from "./devices.js";
import { counted, Fault } from "./fault.js";
import type { Card } from "./identity.js";
import { endpointOf } from "./net.js";

export interface HandOverArgs {
  readonly card: Card;
  /** Where devices reach it, and its Authorization Server. */
  readonly at: string;
  readonly server: string;
}

export interface Prepared {
  /** Issuer of the KDC that follows. */
  readonly to: string;
  /** With the secrets that they share with it. */
  readonly devices: readonly Shipped[];
}

/** Writes down who goes to whom; nobody hears of it yet. */
export function prepareHandOver(authority: Authority, args: HandOverArgs): Promise<Prepared> {
  const to = successorOf(authority, args);
  return authority.decide(`authority hand-over --to ${to.issuer} --list`, (rows) => {
    const before = successors.get(rows, TO);
    const isSame = before !== undefined && isSameKdc(before, to);
    if (before !== undefined && !isSame) forget(rows, before);
    successors.put(rows, TO, { ...to, isBegun: isSame && before.isBegun });
    const shipped = clientsIn(rows).flatMap((client) => {
      const { credential } = whoIs(rows, client);
      const leaving = leavingOf(rows, { random }, { client, credential });
      return leaving === undefined ? [] : shippedOf(rows, client, leaving);
    });
    return { to: to.issuer, devices: shipped };
  });
}

/** From now on members are told; how many of them are not done. */
export function beginHandOver(authority: Authority, args: HandOverArgs): Promise<string[]> {
  const to = successorOf(authority, args);
  return authority.decide(`authority hand-over --to ${to.issuer} --yes`, (rows) => {
    const before = successors.get(rows, TO);
    if (before === undefined || !isSameKdc(before, to)) {
      throw new Fault(`${to.issuer} has no list of devices yet; first, without --yes: --list FILE`);
    }
    const unlisted = clientsIn(rows).find((client) => {
      return leavings.get(rows, `${CLIENT}${client}`) === undefined;
    });
    if (unlisted !== undefined) {
      const name = nameOfClient(rows, fromHex(unlisted));
      throw new Fault(`${name} came after the list was written; write another: --list FILE`);
    }
    successors.put(rows, TO, { ...to, isBegun: true });
    return leavingIn(rows).map((client) => nameOfClient(rows, fromHex(client)));
  });
}

function successorOf(authority: Authority, { card, at, server }: HandOverArgs): Successor {
  const { crypto, identity, signer } = authority;
  if (identity.role === "as") {
    throw new Fault("devices belong to the KDC; run this with the --state of that");
  }
  const publicKey = fromHex(card.signing);
  if (equalBytes(publicKey, signer.publicKey)) {
    throw new Fault("--to: this card is our own; make it at the KDC that follows: authority show");
  }
  const [center, as] = [endpointOf("at", at), endpointOf("as", server)];
  return {
    issuer: `${card.domain}/kdc`,
    kid: kidOf(crypto.sha256(publicKey)),
    publicKey,
    audience: card.domain,
    address: center.address,
    port: center.port,
    serverAddress: as.address,
    serverPort: as.port,
    isBegun: false,
  };
}

/** Another one was chosen: the secrets of before were told to the first. */
function forget(rows: Rows, before: Successor): void {
  const all = leavings.keys(rows, CLIENT);
  const gone = all.filter((key) => leavings.need(rows, key).isDone);
  if (before.isBegun && all.length > 0) {
    const some = `${gone.length} of ${counted(all.length, "device")}`;
    throw new Fault(`the hand-over to ${before.issuer} has begun (${some}); that KDC goes on`);
  }
  for (const key of all) leavings.delete(rows, key);
}

/** As the AS entered it; where that is another program, as its channel shows it. */
function whoIs(rows: Rows, client: string) {
  const eui64 = rows.get("client", client);
  const device = eui64 && devices.get(rows, toHex(eui64));
  if (device) return { ...device, eui64: toHex(eui64) };
  const credential = ownerOf(rows, fromHex(client))?.holder ?? fromHex(client);
  const name = `client-${client}`;
  return { eui64: toHex(credential).slice(0, 16).padStart(16, "0"), name, credential };
}

function shippedOf(
  rows: Rows,
  client: string,
  { psk, count }: { psk: Uint8Array; count: number },
): Shipped {
  const { eui64, name, credential, ...more } = whoIs(rows, client);
  const tokenSeconds = "tokenSeconds" in more ? orNull(more.tokenSeconds) : null;
  const mine = members.keys(rows).filter((key) => clientIn(key) === client);
  return {
    ...{ eui64, name, psk: toHex(psk), identity: toHex(credential) },
    ...(tokenSeconds === null ? {} : { tokenSeconds }),
    before: {
      clientId: client,
      handOvers: count,
      issuedAt: lastIssued(rows, fromHex(client)),
      keys: mine.map((key) => {
        const { prefix, epoch } = groups.need(rows, numberKey(numberOf(key)));
        return { group: numberOf(key), prefix: readUint(prefix), epoch };
      }),
    },
  };
}
