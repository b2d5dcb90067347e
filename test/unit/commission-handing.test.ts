import { toHex } from "../../modules/bytes/hex.js";
import { decodeList } from "../../modules/cbor/containers.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { CHANGED, CONTENT, POST } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import { equal, test } from "../harness.js";
import { deviceAddress } from "../support/addresses.js";
import {
  admitted,
  founded,
  hold,
  lampIn,
  lit,
  pass,
  type Standalone,
  SWITCH,
} from "../support/alone.js";
import { FakeSignatures } from "../support/fake-signatures.js";
import { Joiner, SECURE } from "../support/newcomer.js";
import { SeededRandom } from "../support/random.js";
import { Room } from "../support/rig.js";

const NEXT = 201;

function next(...more: readonly (readonly [number, Cbor])[]): Uint8Array {
  const at = [deviceAddress(NEXT), SECURE];
  const trusted: [number, Cbor][] = [
    [1, "hall/kdc"],
    [2, Uint8Array.of(7)],
    [3, new Uint8Array(32).fill(9)],
    [4, "hall"],
  ];
  return encode(new Map<Cbor, Cbor>([...trusted, [7, at], [8, at], ...more]));
}

/** Two lamps, and the switch's window open. */
function room(): Standalone {
  const alone = founded(new Room());
  hold(alone.room, alone.wall, 5.1);
  for (const number of [20, 21]) admitted(alone, lampIn(alone.room, number));
  return alone;
}

/** The KDC that follows; who has asked it something. */
function successor({ room: { net, clock } }: Standalone, keys: ReadonlyMap<string, Uint8Array>) {
  const port = net.port(deviceAddress(NEXT));
  const seen = new Set<string>();
  const channels = new DtlsChannels(
    {
      ...{ clock, random: new SeededRandom(NEXT), crypto: new TsCrypto(new FakeSignatures()) },
      send: (to, bytes) => void port.send({ to, fromPort: SECURE, bytes }),
      handler: ({ from }) => {
        seen.add(from.id);
        return { code: 0x81 };
      },
    },
    { server: { psk: (identity) => keys.get(toHex(identity))?.slice() } },
  );
  port.onDatagram = ({ from, bytes }) => channels.receive(from, bytes);
  return seen;
}

function listed(joiner: Joiner): Map<string, Uint8Array> {
  const answered = joiner.answered(SWITCH, POST, "hand-over", next());
  equal(answered?.ok === true && answered.response.code, CONTENT);
  const payload = answered?.ok ? answered.response.payload : undefined;
  const all = decodeList(payload ?? new Uint8Array(0), { depthMax: 6, itemsMax: 500 }) ?? [];
  const rows = all as [Uint8Array, string, Uint8Array, Uint8Array][];
  return new Map(rows.map(([, , identity, psk]) => [toHex(identity), psk]));
}

test("a room is handed over to who has the switch's label, and no lamp is touched", () => {
  const alone = room();
  const joiner = new Joiner(alone.room);
  const keys = listed(joiner);
  equal(keys.size, 3);
  const seen = successor(alone, keys);
  pass(alone.room, 30);
  equal(seen.size, 0, "who was only listed stays");
  const begun = joiner.answered(SWITCH, POST, "hand-over", next([10, true]));
  equal(begun?.ok === true && begun.response.code, CHANGED);
  pass(alone.room, 60);
  equal([...seen].sort(), [...keys.keys()].sort(), alone.wall.log.join("; "));
  for (const device of [alone.wall, ...alone.lamps]) {
    equal(device.device?.channels?.trust.trusted?.issuer, "hall/kdc");
    device.restart();
  }
  pass(alone.room, 5);
  alone.wall.press();
  pass(alone.room, 1);
  equal(lit(alone), [true, true], "the room has its light meanwhile");
});

test("the list says where the room's group listens, and who may do what in it", () => {
  const alone = room();
  const answered = new Joiner(alone.room).answered(SWITCH, POST, "hand-over", next());
  const payload = answered?.ok ? answered.response.payload : undefined;
  const all = decodeList(payload ?? new Uint8Array(0), { depthMax: 6, itemsMax: 500 }) ?? [];
  const said = (all as Cbor[][]).map((one) => {
    const [[application, name, group, address, port, level, roles]] = one[8] as Cbor[][];
    equal((address as Uint8Array).slice(0, 2), Uint8Array.of(0xff, 0x15));
    return [application, name, group, port, level, roles].join(" ");
  });
  const lamp = "1 room 1 5683 2 2";
  equal(said.sort(), ["1 room 1 5683 2 1", lamp, lamp]);
});

test("nobody is told before everybody is on the list, and of one authority only", () => {
  const alone = room();
  const joiner = new Joiner(alone.room);
  equal(joiner.ask(SWITCH, POST, "hand-over", next([10, true])).slice(0, 4), "4.09");
  listed(joiner);
  equal(joiner.ask(SWITCH, POST, "hand-over", next([10, true])), "2.04");
  equal(joiner.ask(SWITCH, POST, "hand-over", next([1, "other/kdc"])).slice(0, 4), "4.09");
});

test("a room is handed to nobody while the window is closed, or by a lamp's secret", () => {
  const alone = room();
  const joiner = new Joiner(alone.room);
  alone.wall.press();
  pass(alone.room, 1);
  equal(joiner.ask(SWITCH, POST, "hand-over", next()), "unreachable");
  hold(alone.room, alone.wall, 5.1);
  equal(listed(joiner).size, 3);
  alone.wall.press();
  pass(alone.room, 1);
  // The channel is open, the window is not.
  equal(joiner.ask(SWITCH, POST, "hand-over", next()), "4.03");
  // A lamp's own channel.
  let code: number | undefined;
  const lamp = alone.lamps[0].device?.channels;
  const ask = { method: POST, path: ["hand-over"], format: 60, payload: next() };
  const at = { address: deviceAddress(SWITCH), port: SECURE };
  hold(alone.room, alone.wall, 5.1);
  lamp?.dtls.ask(at, ask, (answered) => {
    code = answered.ok ? answered.response.code : 0;
  });
  pass(alone.room, 5);
  equal(code, 0x83);
});

test("guesses at the switch's label close its window", () => {
  const alone = room();
  for (let guess = 0; guess < 21; guess++) {
    const joiner = new Joiner(alone.room, 100 + guess);
    joiner.label = { printed: new Uint8Array(16).fill(guess), n: 0 };
    joiner.ask(SWITCH, POST, "hand-over", next());
    if (alone.wall.log.includes("room: closed (guesses)")) return;
  }
  throw new Error(alone.wall.log.join("; "));
});
