/** Places for handshakes and connections, and who takes them from whom. */
import { utf8 } from "../../modules/bytes/utf8.js";
import { CLIENT_HELLO, TLS12_CID } from "../../modules/dtls/numbers.js";
import { readRecord } from "../../modules/dtls/records.js";
import { equal, test } from "../harness.js";
import { addressOf, DtlsNet, DtlsPeer, type Flying } from "../support/dtls.js";
import { messageIn, recordsOf } from "../support/dtls-craft.js";
import { lives, psk, pskOf } from "../support/dtls-pair.js";

const SECOND = 1_000_000;
/** Ids of this suite. */
const CID_BYTES = 4;

/** Where the first record with a connection id begins. */
function protectedAt(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length && bytes[at] !== TLS12_CID) {
    at += readRecord(bytes, at, CID_BYTES)?.bytes.length ?? bytes.length;
  }
  return at;
}

test("handshakes that we began ourselves give way to nobody", () => {
  const limits = { connections: 4, handshakes: 2, messageBytes: 1024, transcriptBytes: 2048 };
  const net = new DtlsNet();
  const device = new DtlsPeer(net, 1, { server: { psk: pskOf }, limits });
  const connect = (number: number) =>
    device.dtls.connect(addressOf(number), { credentials: psk() }) !== undefined;
  equal([connect(8), connect(9), connect(10)], [true, true, false]);
  const other = new DtlsPeer(net, 3, {});
  other.dtls.connect(device.address, { credentials: psk() });
  net.settle();
  equal([device.drops, device.dtls.handshakes], [["tableFull"], 2]);
});

test("strangers with cookies keep nobody out, and us from nobody", () => {
  const limits = { connections: 4, handshakes: 2, messageBytes: 1024, transcriptBytes: 2048 };
  const net = new DtlsNet();
  const device = new DtlsPeer(net, 1, { server: { psk: pskOf }, limits });
  const keyServer = new DtlsPeer(net, 2, { server: { psk: pskOf } });
  const honest = new DtlsPeer(net, 3, {});
  const strangers = [4, 5, 6, 7, 8].map((number) => new DtlsPeer(net, number, {}));
  // They never go beyond the hello with the cookie.
  const isTheirs = ({ from }: Flying) => strangers.some(({ address }) => address === from);
  net.fate = (flying) => {
    const [first] = recordsOf(flying.bytes).map(messageIn);
    return isTheirs(flying) && first?.type !== CLIENT_HELLO ? [] : [flying];
  };
  const come = (some: readonly DtlsPeer[]) => {
    for (const one of some) one.dtls.connect(device.address, { credentials: psk() });
  };
  come(strangers.slice(0, 2));
  net.settle();
  equal(device.dtls.handshakes, 2);
  const ours = device.dtls.connect(keyServer.address, { credentials: psk() });
  net.settle();
  equal([ours?.state, keyServer.opened.length], ["open", 1]);
  come([strangers[2], honest]);
  net.settle();
  equal([device.dtls.handshakes, device.opened.length], [2, 1]);
  net.pass(SECOND);
  come(strangers.slice(3));
  net.pass(SECOND, 7);
  equal([honest.opened.length, device.opened.length], [1, 2]);
  equal(device.dtls.size <= limits.connections, true);
});

test("both begin at once: one handshake, whichever of them it is", () => {
  const sides = new Set<string>();
  for (let number = 1; number <= 6; number++) {
    const net = new DtlsNet();
    const options = { server: { psk: pskOf } };
    const one = new DtlsPeer(net, number, options);
    const two = new DtlsPeer(net, 10 + number, options);
    one.dtls.connect(two.address, { credentials: psk() });
    two.dtls.connect(one.address, { credentials: psk() });
    net.settle();
    equal([one.opened.length, two.opened.length], [1, 1], `${number}`);
    equal(
      [one.dtls.size, two.dtls.size, one.connection.side === two.connection.side],
      [1, 1, false],
    );
    sides.add(one.connection.side);
    lives({ net, server: one, client: two, connect: () => undefined });
  }
  equal([...sides].sort(), ["client", "server"]);
});

test("both begin at once, and one of them only connects: it is let in", () => {
  for (let number = 1; number <= 6; number++) {
    const net = new DtlsNet();
    const both = new DtlsPeer(net, number, { server: { psk: pskOf } });
    const guest = new DtlsPeer(net, 10 + number, {});
    both.dtls.connect(guest.address, { credentials: psk() });
    guest.dtls.connect(both.address, { credentials: psk() });
    net.settle();
    equal([both.opened.length, guest.opened.length], [1, 1], `${number}`);
    lives({ net, server: both, client: guest, connect: () => undefined });
  }
});

test("a connection id moves what is open, and no Finished into another's place", () => {
  const net = new DtlsNet();
  const server = new DtlsPeer(net, 1, { server: { psk: pskOf }, cidBytes: CID_BYTES });
  const victim = new DtlsPeer(net, 2, { cidBytes: 0 });
  victim.dtls.connect(server.address, { credentials: psk() });
  net.settle();
  const other = new DtlsPeer(net, 3, { cidBytes: 0 });
  // What it protects leaves with the victim's address.
  net.fate = (flying) => {
    const at = protectedAt(flying.bytes);
    if (flying.from !== other.address || at === flying.bytes.length) return [flying];
    const finished = { ...flying, bytes: flying.bytes.slice(at), from: victim.address };
    return [{ ...flying, bytes: flying.bytes.slice(0, at) }, finished];
  };
  other.dtls.connect(server.address, { credentials: psk() });
  net.settle();
  equal([server.opened.length, server.ends, server.moves], [2, [], []]);
  const { connection } = server.opened[0];
  connection.send(utf8("still here"));
  victim.connection.send(utf8("still on"));
  net.settle();
  equal([victim.data.length, server.data.length], [1, 1]);
});
