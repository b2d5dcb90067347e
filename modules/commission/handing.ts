/**
 * How a room without a computer comes to one: a Key Distribution Center that knows the switch's
 * printed label asks, while the switch's window is open, who is in the room, and is then followed
 * by the switch and every luminaire; nobody has to be touched again. (A press alone is not enough:
 * it gives access level 2, and this is everything.)
 *
 *   POST /hand-over {1: issuer, 2: kid, 3: public key, 4: audience, 7: [address, port] of the KDC,
 *     8: of its AS, ? 9: the first of the list}
 *       -> 2.05 [[EUI-64, name, identity, pre-shared key, client id, how many hand-overs, latest
 *          issued, [[group, prefix, epoch], ...], [[application group, its name, security group,
 *          address, port, level, roles], ...]], ...], 16 at most; the next ask for more
 *   the same with 10: true -> 2.04; from then on members are told
 *
 * Written down first, told when the other side says that it has the list (authority/leaving.ts).
 */
import type { Center } from "../authority/center.js";
import { clientsIn, isSameKdc, leavingOf, TO } from "../authority/leaving.js";
import type { Rows } from "../authority/ledger.js";
import { lastIssued } from "../authority/narrowing.js";
import {
  applications,
  clientIn,
  devices,
  groups,
  leavings,
  members,
  numberKey,
  numberOf,
  type Successor,
  successors,
} from "../authority/records.js";
import { fromHex, toHex } from "../bytes/hex.js";
import { decodeMap } from "../cbor/containers.js";
import { type Cbor, encode } from "../cbor/encode.js";
import { BAD_REQUEST, CBOR, CHANGED, CONFLICT, CONTENT } from "../coap/options.js";
import type { SecureResponse } from "../secure/request.js";

/** In one answer. */
export const LISTED_MAX = 16;
const PUBLIC_KEY_BYTES = 32;
const ADDRESS_BYTES = 16;
const FROM = 9;
const BEGIN = 10;

/** Whether this room has been handed over, or is being. */
export function isHandedOver(rows: Rows): boolean {
  return successors.get(rows, TO)?.isBegun === true;
}

export function answerHandOver(rows: Rows, center: Center, payload: Uint8Array): SecureResponse {
  const asked = decodeMap(payload, { depthMax: 3, itemsMax: 32 });
  const to = asked && successorIn(asked);
  if (asked === undefined || to === undefined) return { code: BAD_REQUEST };
  const before = successors.get(rows, TO);
  const isSame = before !== undefined && isSameKdc(before, to);
  const isOthers = before?.isBegun === true && !isSame;
  if (isOthers) return { code: CONFLICT }; // check: hand-over-once
  if (asked.get(BEGIN) === true) return begin(rows, to, isSame);
  // Another one was chosen: what the first was told is nothing any more.
  if (!isSame) for (const key of leavings.keys(rows, "client/")) leavings.delete(rows, key);
  successors.put(rows, TO, { ...to, isBegun: before?.isBegun === true });
  const from = asked.get(FROM);
  const first = typeof from === "number" ? from : 0;
  const clients = clientsIn(rows).slice(first, first + LISTED_MAX);
  const payloadOf = clients.flatMap((client) => {
    const listed = listedOf(rows, center, client);
    return listed === undefined ? [] : [listed];
  });
  return { code: CONTENT, format: CBOR, payload: encode(payloadOf) };
}

/** Everybody has to be on the list. */
function begin(rows: Rows, to: Successor, isSame: boolean): SecureResponse {
  const isListed = (client: string) => leavings.get(rows, `client/${client}`) !== undefined;
  const isWhole = isSame && clientsIn(rows).every(isListed);
  if (!isWhole) return { code: CONFLICT }; // check: hand-over-listed
  successors.put(rows, TO, { ...to, isBegun: true });
  return { code: CHANGED };
}

function listedOf(rows: Rows, center: Center, client: string): Cbor | undefined {
  const eui64 = rows.get("client", client);
  const device = eui64 && devices.get(rows, toHex(eui64));
  if (eui64 === undefined || device === undefined) return undefined;
  const { name, credential, clientId, scope } = device;
  const leaving = leavingOf(rows, center, { client, credential });
  if (leaving === undefined) return undefined;
  const mine = members.keys(rows).filter((key) => clientIn(key) === client);
  const used = mine.map((key): Cbor => {
    const { prefix, epoch } = groups.need(rows, numberKey(numberOf(key)));
    return [numberOf(key), prefix, epoch];
  });
  const issued = lastIssued(rows, fromHex(client));
  const granted = scope.flatMap(({ appGroup, level, roles }): Cbor[] => {
    const own = appGroup === null ? undefined : applications.get(rows, numberKey(appGroup));
    if (appGroup === null || own === undefined) return [];
    return [[appGroup, own.name, own.group, own.address, own.port, level, roles]];
  });
  return [eui64, name, credential, leaving.psk, clientId, leaving.count, issued, used, granted];
}

function successorIn(map: Map<Cbor, Cbor>): Successor | undefined {
  const [issuer, kid, publicKey, audience] = [1, 2, 3, 4].map((label) => map.get(label));
  const [center, server] = [endpointIn(map.get(7)), endpointIn(map.get(8))];
  if (typeof issuer !== "string" || typeof audience !== "string") return undefined;
  if (!(kid instanceof Uint8Array) || !(publicKey instanceof Uint8Array)) return undefined;
  if (publicKey.length !== PUBLIC_KEY_BYTES || !center || !server) return undefined;
  return {
    ...{ issuer, kid, publicKey, audience, address: center.address, port: center.port },
    ...{ serverAddress: server.address, serverPort: server.port, isBegun: false },
  };
}

function endpointIn(value: Cbor): { address: Uint8Array; port: number } | undefined {
  const [address, port] = Array.isArray(value) ? value : [];
  const isAddress = address instanceof Uint8Array && address.length === ADDRESS_BYTES;
  const isPort = typeof port === "number" && port > 0 && port <= 0xffff;
  return isAddress && isPort ? { address, port } : undefined;
}
