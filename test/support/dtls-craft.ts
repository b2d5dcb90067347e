/** Records and handshake messages in the hands of somebody between two peers. */
import { concat } from "../../modules/bytes/concat.js";
import { readUint } from "../../modules/bytes/uint.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { recordKeys } from "../../modules/dtls/keys.js";
import { type HandshakeMessage, wholeMessage } from "../../modules/dtls/messages.js";
import { CLIENT_HELLO, HANDSHAKE, SERVER_HELLO } from "../../modules/dtls/numbers.js";
import { fragmentsOf } from "../../modules/dtls/reassembly.js";
import { plainRecord, type RawRecord, readRecord, WriteEpoch } from "../../modules/dtls/records.js";
import type { Session } from "../../modules/dtls/session.js";
import type { DtlsNet, DtlsPeer, Flying } from "./dtls.js";

/** The records of a datagram without connection ids. */
export function recordsOf(bytes: Uint8Array): RawRecord[] {
  const records: RawRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const record = readRecord(bytes, at, 0);
    if (record === undefined) throw new Error(`no record at ${at}`);
    records.push(record);
    at += record.bytes.length;
  }
  return records;
}

/** The handshake message that a record of epoch 0 holds whole; undefined for any other record. */
export function messageIn(record: RawRecord): HandshakeMessage | undefined {
  if (record.type !== HANDSHAKE || record.epoch !== 0) return undefined;
  const [first] = fragmentsOf(record.bytes.subarray(record.fragmentAt)) ?? [];
  if (first === undefined || first.part.length !== first.length) return undefined;
  return { type: first.type, sequence: first.sequence, body: first.part.slice() };
}

/** A datagram with one message in the clear. */
export function datagramWith(message: HandshakeMessage, sequence = 99): Uint8Array {
  return plainRecord(HANDSHAKE, sequence, wholeMessage(message));
}

/** By which alert each ended its first connection itself. */
export function refusals(...peers: readonly DtlsPeer[]): (number | undefined)[] {
  return peers.map(({ ends: [end] }) => (end?.reason === "refused" ? end.alert : undefined));
}

/** Every message of that type on its way gets another body, or other messages in its place. */
export function changing(
  type: number,
  change: (message: HandshakeMessage) => Uint8Array | readonly HandshakeMessage[],
): (flying: Flying) => Flying[] {
  return (flying) => {
    const parts = recordsOf(flying.bytes).map((record) => {
      const message = messageIn(record);
      if (message?.type !== type) return record.bytes;
      const changed = change(message);
      const all = changed instanceof Uint8Array ? [{ ...message, body: changed }] : changed;
      return concat(...all.map((one) => datagramWith(one, record.sequence)));
    });
    return [{ ...flying, bytes: concat(...parts) }];
  };
}

/**
 * One side of an open connection, by somebody who has its keys: records from number 20 on. The
 * connection has to have a session, and the hellos to be those last sent.
 */
export function insider(net: DtlsNet, session: Session, side: "client" | "server"): WriteEpoch {
  const hellos = net.sent.flatMap(({ bytes }) => recordsOf(bytes).map(messageIn));
  const last = (type: number) => hellos.filter((message) => message?.type === type).pop();
  const randomOf = (type: number) => (last(type) as HandshakeMessage).body.slice(2, 34);
  const keys = recordKeys(new TsCrypto(), {
    master: session.master,
    clientRandom: randomOf(CLIENT_HELLO),
    serverRandom: randomOf(SERVER_HELLO),
  });
  return new WriteEpoch(1, keys[side], undefined, 20);
}

/** `bytes` with some bits of one byte turned. */
export function flipped(bytes: Uint8Array, at: number, bits = 1): Uint8Array {
  const copy = bytes.slice();
  copy[at] ^= bits;
  return copy;
}

/** Something arrives at a peer as if another had sent it. */
export function inject(net: DtlsNet, from: DtlsPeer, to: DtlsPeer, bytes: Uint8Array): void {
  net.deliver({ from: from.address, to: to.address, bytes });
  net.settle();
}

/** Types of the messages of epoch 0 that a peer sent, `e1` for what is protected. */
export function said(net: DtlsNet, from: DtlsPeer, since = 0): string[] {
  const all = net.sent.slice(since).filter((flying) => flying.from === from.address);
  return all.flatMap(({ bytes }) =>
    recordsOf(bytes).map((record) => {
      if (record.epoch > 0) return "e1";
      const message = messageIn(record);
      if (message !== undefined) return `${message.type}`;
      const isPart = record.type === HANDSHAKE;
      return isPart ? `${record.bytes[record.fragmentAt]}+` : `r${record.type}`;
    }),
  );
}

/** Epoch and number of a record, written over. */
export function renumbered(record: Uint8Array, epoch: number, sequence: number): Uint8Array {
  const copy = record.slice();
  copy[3] = epoch >> 8;
  copy[4] = epoch;
  for (let i = 0, rest = sequence; i < 6; i++, rest = Math.floor(rest / 256)) {
    copy[10 - i] = rest % 256;
  }
  return copy;
}

/** The number of a record. */
export function numberOf(record: Uint8Array): number {
  return readUint(record, 5, 6);
}
