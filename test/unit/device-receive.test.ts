import { fromHex } from "../../modules/bytes/hex.js";
import { GET, PUT } from "../../modules/coap/options.js";
import { LIMITS } from "../../modules/device/limits.js";
import { equal, test } from "../harness.js";
import { address } from "../support/addresses.js";
import { craft, memberEndpoint, OFF, ON, withBytes } from "../support/craft.js";
import { LAMP, silently, verdict } from "../support/lamps.js";
import { Room } from "../support/rig.js";

test("a genuine command is shown in the turn it arrives in", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP, { settings: [[0, 0]] });
  equal(verdict(lamp, craft({ sequence: 0, payload: OFF })), "accepted");
  equal(lamp.level, 0);
  equal(verdict(lamp, craft({ sequence: 1, payload: ON })), "accepted");
  equal(lamp.level, 254);
});

test("drop replayed: the same datagram, and an older number outside the window", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  const first = craft({ sequence: 100 });
  equal(verdict(lamp, first), "accepted");
  silently(lamp, room, first, "replayed");
  silently(lamp, room, withBytes(first, flip(3, 1)), "replayed");
  silently(lamp, room, craft({ sequence: 36 }), "replayed");
});

test("drop replayed: our own message, reflected", () => {
  const room = new Room();
  const lamp = room.luminaire(5);
  silently(lamp, room, craft({ sender: 5, sequence: 1 }), "replayed");
});

test("drop forged: tag, address, port, sender, number, outer option", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP, { rights: [1, 2].map((client) => [client, 1, 2] as const) });
  const good = craft({ sequence: 9 });
  const last = good.bytes.length - 1;
  silently(lamp, room, withBytes(good, flip(last, 1)), "forged");
  silently(lamp, room, { ...good, to: { ...good.to, address: address(0xff15, 0x00fc) } }, "forged");
  silently(lamp, room, { ...good, to: memberEndpoint(LAMP) }, "forged");
  const clear = craft({ sequence: 9, clear: [{ number: 16, value: Uint8Array.of(8) }] });
  silently(lamp, room, withBytes(clear, replace(0x08, 0x09)), "forged");
  const huge = craft({ sequence: 2 ** 40 - 1, fill: 0x55 });
  silently(lamp, room, huge, "forged");
  equal(verdict(lamp, good), "accepted", "none of it moved the window");
});

function flip(at: number, mask: number): (bytes: Uint8Array) => void {
  return (bytes) => {
    bytes[at] ^= mask;
  };
}

/** Changes the first byte equal to `from` after the header. */
function replace(from: number, to: number): (bytes: Uint8Array) => void {
  return (bytes) => {
    const at = bytes.indexOf(from, 10);
    equal(at > 0, true, "the byte to change is there");
    bytes[at] = to;
  };
}

test("drop unknownGroup and unknownKey", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  silently(lamp, room, craft({ sequence: 1, appGroup: 99 }), "unknownGroup");
  silently(lamp, room, craft({ sequence: 1, keyId: 8 }), "unknownKey");
});

test("drop malformed: truncated at every byte", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  const good = craft({ sequence: 3 });
  for (let length = 0; length < good.bytes.length; length++) {
    const cut = { ...good, bytes: good.bytes.slice(0, length) };
    const reason = verdict(lamp, cut);
    // What is left of the header alone is a plain request for nothing.
    const expected = length < 5 ? ["malformed", "unsupported"] : ["malformed", "forged"];
    equal(expected.includes(reason), true, `${length} bytes: ${reason}`);
  }
  equal(lamp.shown.length, 1, "only the light after power-up");
  equal(room.net.sent.length, 0);
  equal(verdict(lamp, good), "accepted");
});

test("no bit of a genuine datagram can be changed, but for its message id", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  const good = craft({ sequence: 4 });
  const flash = lamp.flash.snapshot();
  for (let bit = 0; bit < good.bytes.length * 8; bit++) {
    const at = bit >> 3;
    if (at === 2 || at === 3) continue;
    const flipped = withBytes(good, flip(at, 1 << (bit & 7)));
    equal(verdict(lamp, flipped) === "accepted", false, `bit ${bit}`);
  }
  equal(lamp.shown.length, 1);
  equal(room.net.sent.length, 0);
  equal(lamp.flash.snapshot(), flash);
  equal(verdict(lamp, good), "accepted");
});

/**
 * Negative cases of ../shared/vectors/lowlatency.json, made for the key, group and address of this
 * rig.
 */
const OUT_OF_FORM: Record<string, string> = {
  "group id missing": "52021001a1a2951905010711ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "group id twice": "52021001a1a2951905010711e1fcd3010101ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "group id with a leading zero":
    "52021001a1a2951905010711e2fcd30001ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "security option missing": "52021001a1a2e1fcdc01ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "security option twice":
    "52021001a1a2951905010711051905010711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "reserved flag": "52021001a1a2953905010711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "h clear": "52021001a1a2950905010711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "k clear": "52021001a1a2951105010711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "no piv": "52021001a1a29418010711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "client id of 9 bytes":
    "52021001a1a29d0019050107010101010101010101e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "client id empty": "52021001a1a29419050107e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "client id with a leading zero":
    "52021001a1a296190501070011e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "key id with a leading zero":
    "52021001a1a296190502000711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f",
  "no payload": "52021001a1a2951905010711e1fcd301",
  "genuine, but nothing inside": "52021001a1a2951905010711e1fcd301ffc53cf25d2b70d46a",
};

test("drop malformed: options of the scheme missing, repeated or out of form", () => {
  const room = new Room();
  const appGroups = [
    [0, 1],
    [1, 1],
  ] as const;
  const lamp = room.luminaire(LAMP, { appGroups, rights: [[1, 0, 2]] });
  const good = craft({ sequence: 1, appGroup: 0 });
  for (const [name, hex] of Object.entries(OUT_OF_FORM)) {
    silently(lamp, room, { ...good, bytes: fromHex(hex) }, "malformed");
    equal(lamp.shown.length, 1, name);
  }
  // Group 0 is an empty option: without the option the additional data would be the same.
  const without = withBytes(good, () => {});
  const at = good.bytes.findIndex((byte, i) => byte === 0xe0 && good.bytes[i + 1] === 0xfc);
  const bytes = Uint8Array.from([...good.bytes.slice(0, at), ...good.bytes.slice(at + 3)]);
  silently(lamp, room, { ...without, bytes }, "malformed");
  equal(verdict(lamp, good), "accepted");
});

test("drop malformed: well-formed outside, nonsense inside a genuine message", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  for (const payload of ["a100", "a0", "a10100ff", "a1187f00", "ff", "9b7fffffffffffffff"]) {
    const bytes = Uint8Array.from(payload.match(/../g) as string[], (hex) => parseInt(hex, 16));
    const sequence = 10 + lamp.events.length;
    equal(verdict(lamp, craft({ sequence, payload: bytes })), "malformed", payload);
  }
  equal(verdict(lamp, craft({ sequence: 90, payload: undefined })), "malformed");
  const nested = [{ number: 9, value: Uint8Array.of(0) }];
  equal(verdict(lamp, craft({ sequence: 91, path: "l", options: nested })), "malformed");
  const twice = [{ number: 16, value: Uint8Array.of(8) }];
  equal(verdict(lamp, craft({ sequence: 92, options: twice, clear: twice })), "malformed");
  equal([lamp.shown.length, room.net.sent.length], [1, 0]);
});

test("drop malformed: a datagram beyond 1,280 bytes is not looked at", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  const big = craft({ sequence: 1, payload: new Uint8Array(1300) });
  silently(lamp, room, big, "malformed");
});

test("drop notForUs: a port nobody listens on", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  const good = craft({ sequence: 1 });
  silently(lamp, room, { ...good, to: { ...good.to, port: 5684 } }, "notForUs");
});

test("drop forbidden: no right, too low a right, and levels above 2 for any right", () => {
  const room = new Room();
  const rights = [
    [1, 1, 2],
    [2, 1, 1],
    [3, 1, 5],
    [3, null, 5],
  ] as const;
  const lamp = room.luminaire(LAMP, { rights });
  equal(verdict(lamp, craft({ sender: 4, sequence: 1 })), "forbidden");
  equal(verdict(lamp, craft({ sender: 2, sequence: 1 })), "forbidden");
  equal(
    verdict(lamp, craft({ sender: 3, sequence: 1, path: "par/power", code: PUT })),
    "forbidden",
  );
  const unicast = { to: memberEndpoint(LAMP), path: "par/power", code: PUT };
  equal(verdict(lamp, craft({ sender: 3, sequence: 2, ...unicast })), "forbidden");
  equal([lamp.shown.length, room.net.sent.length], [1, 0]);
  equal(verdict(lamp, craft({ sender: 1, sequence: 1 })), "accepted");
});

test("a right within one application group is none in another one on the same key", () => {
  const room = new Room();
  const appGroups = [
    [1, 1],
    [2, 1],
  ] as const;
  const lamp = room.luminaire(LAMP, { appGroups, rights: [[1, 2, 2]] });
  equal(verdict(lamp, craft({ sequence: 1, appGroup: 1 })), "forbidden");
  equal(verdict(lamp, craft({ sequence: 2, appGroup: 2 })), "accepted");
  equal(verdict(lamp, craft({ sequence: 2, appGroup: 1 })), "replayed", "one window a key");
});

test("drop outOfOrder: a late command is used up but not obeyed", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP, { settings: [[0, 0]] });
  equal(verdict(lamp, craft({ sequence: 7, payload: OFF })), "accepted");
  equal(verdict(lamp, craft({ sequence: 6, payload: ON })), "outOfOrder");
  equal(lamp.level, 0);
  equal(verdict(lamp, craft({ sequence: 6, payload: ON })), "replayed");
});

test("a forbidden command does not move the order of the permitted ones", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP, { settings: [[0, 0]] });
  equal(verdict(lamp, craft({ sequence: 9, path: "par/power", code: PUT })), "forbidden");
  equal(verdict(lamp, craft({ sequence: 8, payload: OFF })), "accepted");
});

test("drop unsupported: no such resource, no such method", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  equal(verdict(lamp, craft({ sequence: 1, path: "L" })), "unsupported");
  equal(verdict(lamp, craft({ sequence: 2, path: "l/" })), "unsupported");
  equal(
    verdict(lamp, craft({ sequence: 3, path: "l", code: GET, payload: undefined })),
    "unsupported",
  );
  equal(verdict(lamp, craft({ sequence: 4, path: "%6c" })), "unsupported");
  equal([lamp.shown.length, room.net.sent.length], [1, 0]);
});

test("drop tableFull: the newcomer is dropped, nobody is evicted", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP, { rights: [[100, 1, 2]] });
  // Whoever has the key has a row, whatever he may do.
  for (let i = 0; i < LIMITS.recipientsMax; i++) {
    const wanted = i === 0 ? "accepted" : "forbidden";
    equal(verdict(lamp, craft({ sender: 100 + i, sequence: 5 })), wanted);
  }
  silently(lamp, room, craft({ sender: 1, sequence: 5 }), "tableFull");
  equal(verdict(lamp, craft({ sender: 100, sequence: 5 })), "replayed");
  equal(verdict(lamp, craft({ sender: 100, sequence: 6 })), "accepted");
});

test("drop storeFailed: what flash does not vouch for is not acted on", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  equal(verdict(lamp, craft({ sequence: 1 })), "accepted");
  room.clock.advance(5_000_000);
  lamp.flash.refuses = () => true;
  const shown = lamp.shown.length;
  equal(verdict(lamp, craft({ sequence: 200 })), "storeFailed");
  equal(verdict(lamp, craft({ sender: 2, sequence: 1 })), "storeFailed");
  equal(lamp.shown.length, shown);
  lamp.flash.refuses = undefined;
  lamp.restart();
  equal(verdict(lamp, craft({ sequence: 200 })), "accepted", "not marked, so not lost");
});

test("after a power cut nothing recorded works again, and fresh messages do", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP, { settings: [[0, 0]] });
  const recorded = [3, 4, 5, 6].map((sequence) => craft({ sequence }));
  for (const datagram of recorded) equal(verdict(lamp, datagram), "accepted");
  room.clock.advance(3_000_000);
  lamp.restart();
  for (const datagram of recorded) silently(lamp, room, datagram, "replayed");
  equal(verdict(lamp, craft({ sequence: 7, payload: OFF })), "accepted", "idle before: none lost");
});

test("sequence numbers around 2^31, 2^32 and the last one", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  for (const sequence of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 - 1]) {
    const datagram = craft({ sequence });
    equal(verdict(lamp, datagram), "accepted", String(sequence));
    equal(verdict(lamp, datagram), "replayed", String(sequence));
  }
  equal(verdict(lamp, craft({ sequence: 0 })), "replayed");
});
