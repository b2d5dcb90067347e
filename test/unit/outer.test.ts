import { fromHex } from "../../modules/bytes/hex.js";
import { emitMessage, type Option, parseMessage } from "../../modules/coap/message.js";
import { OPTION_APP_GROUP, OPTION_OSCORE, Outer } from "../../modules/oscore/outer.js";
import { equal, test } from "../harness.js";
import { SeededRandom } from "../support/random.js";

/** The first positive vector of test/vectors/lowlatency.json. */
const REQUEST = fromHex("52021001a1a2951905010711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f");

test("outer finds both options, the token and the payload", () => {
  const outer = new Outer();
  equal(outer.scan(REQUEST), true);
  equal([outer.type, outer.code, outer.mid, outer.tokenLength], [1, 2, 0x1001, 2]);
  equal([outer.oscoreStart, outer.oscoreLength], [7, 5]);
  equal([outer.appGroupStart, outer.appGroupLength], [15, 1]);
  equal(outer.payloadStart, 17);
  equal([outer.hasOthers, outer.repeats], [false, false]);
});

test("outer notes other options and repetitions", () => {
  const outer = new Outer();
  equal(outer.scan(fromHex("52021000a1a231616100ff00")), true);
  equal([outer.hasOthers, outer.repeats], [true, false]);
  equal(outer.scan(fromHex("52021000a1a29100" + "0107" + "ff00")), true);
  equal(outer.repeats, true);
});

const HOSTILE: Record<string, string> = {
  "nothing at all": "",
  "three bytes": "520210",
  "version 2": "92021001a1a2ff01",
  "token length 9": "59021001aaaaaaaaaaaaaaaaaaff01",
  "token not whole": "52021001a1",
  "reserved code class 1": "50221001",
  "response by RST": "70451001",
  "empty with a token": "42001001a1a2",
  "empty with a byte after it": "4000100100",
  "empty by NON": "50001001",
  "delta 15": "52021001a1a2f0000000",
  "length 15": "52021001a1a20f",
  "delta extension missing": "52021001a1a2d0",
  "second delta extension byte missing": "52021001a1a2e001",
  "length extension missing": "52021001a1a20d",
  "value cut": "52021001a1a2951905",
  "number past 65535": "52021001a1a2e0ffff" + "10",
  "marker without payload": "52021001a1a29119ff",
  "33 options": `52021001a1a2${"00".repeat(33)}`,
  "1,000 empty options": `52021001a1a2${"00".repeat(1000)}`,
};

for (const [name, hex] of Object.entries(HOSTILE)) {
  test(`outer refuses: ${name}`, () => {
    equal(new Outer().scan(fromHex(hex)), false);
    equal(parseMessage(fromHex(hex)).ok, false, "the full parser agrees");
  });
}

test("outer and parseMessage accept the same datagrams and see the same in them", () => {
  const random = new SeededRandom(4711);
  const outer = new Outer();
  const datagram = new Uint8Array(REQUEST.length);
  let accepted = 0;
  for (let round = 0; round < 600; round++) {
    datagram.set(REQUEST);
    const flips = 1 + random.below(3);
    for (let i = 0; i < flips; i++) datagram[random.below(24)] = random.below(256);
    const cut = datagram.slice(0, 1 + random.below(datagram.length));
    const bytes = random.below(2) === 0 ? cut : datagram;
    const parsed = parseMessage(bytes);
    equal(outer.scan(bytes), parsed.ok, `round ${round}`);
    if (!parsed.ok) continue;
    accepted++;
    const { options, payload } = parsed.value;
    const ours = (option: Option) =>
      option.number === OPTION_OSCORE || option.number === OPTION_APP_GROUP;
    equal(outer.hasOthers, !options.every(ours));
    equal(
      outer.oscoreStart >= 0,
      options.some((option) => option.number === OPTION_OSCORE),
    );
    equal(
      outer.appGroupStart >= 0,
      options.some((option) => option.number === OPTION_APP_GROUP),
    );
    equal(bytes.slice(outer.payloadStart), payload ?? new Uint8Array(0));
  }
  equal(accepted > 50, true, "the damage left some datagrams well-formed");
});

test("outer reads lengths and numbers of every extended form", () => {
  for (const [number, length] of [
    [12, 12],
    [13, 13],
    [268, 268],
    [269, 269],
    [65535, 300],
  ]) {
    const bytes = emitMessage({
      type: 1,
      code: 2,
      mid: 1,
      token: new Uint8Array(0),
      options: [{ number, value: new Uint8Array(length) }],
      payload: Uint8Array.of(1),
    });
    const outer = new Outer();
    equal(outer.scan(bytes), true);
    equal(outer.payloadStart, bytes.length - 1);
  }
});
