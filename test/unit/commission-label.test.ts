/**
 * Labels. Expected values were made with Python's hashlib and hmac, after RFC 5869 and the table of
 * Crockford's base 32.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { fromUtf8 } from "../../modules/bytes/utf8.js";
import {
  joinKey,
  LABELS_MAX,
  labelAfter,
  labelCode,
  labelText,
  nextLabel,
  parseLabel,
} from "../../modules/commission/label.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { equal, test } from "../harness.js";
import { SeededRandom } from "../support/random.js";

const crypto = new TsCrypto();
const EUI64 = fromHex("0012ab0000000007");
const printed = () => fromHex("00112233445566778899aabbccddeeff");
const CODE = "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZWN3";

test("a label proves a join, and the next one follows from it", () => {
  const first = joinKey(crypto, { eui64: EUI64, label: printed(), n: 0 });
  equal(fromUtf8(first.identity), "label 0");
  equal(toHex(first.key), "f663adb082fb6e4a4ad36dfd111b60e9");
  const label = nextLabel(crypto, EUI64, printed());
  equal(toHex(label), "ff2ac72ca068904d2d6dfe661bed75cb");
  const second = joinKey(crypto, { eui64: EUI64, label, n: 1 });
  equal(fromUtf8(second.identity), "label 1");
  equal(toHex(second.key), "3986ce5d2f6569b76a01e3e2c01c4304");
});

test("who has the printed label makes as many steps as the device says", () => {
  const after = (n: number) => {
    const label = labelAfter(crypto, EUI64, { printed: printed(), n });
    return label && toHex(label);
  };
  equal(after(0), toHex(printed()));
  equal(after(2), "1c332d666ef7960e9f441b0689493f19");
  equal(after(LABELS_MAX + 1), undefined);
  equal(after(-1), undefined);
  equal(after(1.5), undefined);
});

test("a code for fingers and a text for cameras", () => {
  equal(labelCode(crypto, printed()), CODE);
  const text = labelText(crypto, EUI64, printed());
  equal(text, "LUMICAST:1:0012ab0000000007:008J4CT4ANK7F24SNAXWSQFEZWN3");
  const scanned = parseLabel(crypto, text);
  equal(scanned, { ok: true, printed: printed(), eui64: "0012ab0000000007" });
});

test("how it is typed does not matter", () => {
  const typed = [
    CODE,
    CODE.toLowerCase(),
    ` ${CODE.replaceAll("-", " ")} `,
    CODE.replaceAll("-", ""),
    CODE.replace("008J", "OO8J"),
  ];
  for (const said of typed) {
    equal(parseLabel(crypto, said), { ok: true, printed: printed(), eui64: undefined }, said);
  }
});

test("a slip is told before it costs a guess", () => {
  const why = (said: string) => {
    const parsed = parseLabel(crypto, said);
    return parsed.ok ? "" : parsed.why;
  };
  equal(why(CODE.slice(0, -1)), "it has 27 characters, a label has 28; look at the label again");
  equal(why(CODE.replace("J", "U")), '"U" is not on any label; look at the label again');
  equal(why("LUMICAST:1:0012ab:0"), "its EUI-64 is damaged; look at the label again");
  equal(why(""), "it has 0 characters, a label has 28; look at the label again");
  const swapped = CODE.replace("4CT4", "4TC4");
  equal(why(swapped), "a character is wrong; look at the label again");
});

test("of slips in one character at most one in 300 goes unseen", () => {
  const random = new SeededRandom(5);
  const symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let unseen = 0;
  for (let i = 0; i < 300; i++) {
    const label = new Uint8Array(16);
    random.fill(label);
    const code = labelCode(crypto, label).replaceAll("-", "");
    const at = i % code.length;
    const other = symbols[(symbols.indexOf(code[at]) + 1 + (i % 30)) % 32];
    const slipped = code.slice(0, at) + other + code.slice(at + 1);
    if (parseLabel(crypto, slipped).ok) unseen++;
  }
  equal(unseen <= 1, true);
});
