import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import type { Option } from "../../modules/coap/message.js";
import {
  ACCEPT,
  addOption,
  addPath,
  addUint,
  BAD_OPTION,
  CONTENT,
  CONTENT_FORMAT,
  codeClass,
  codeText,
  ETAG,
  find,
  findAll,
  findTexts,
  findUint,
  GET,
  IF_NONE_MATCH,
  isCritical,
  isElective,
  isNoCacheKey,
  isRequest,
  isResponse,
  isUnsafe,
  MAX_AGE,
  NO_RESPONSE,
  OBSERVE,
  OSCORE,
  PROXY_URI,
  SIZE1,
  URI_HOST,
  URI_PATH,
  URI_PORT,
  URI_QUERY,
  unsupportedOption,
} from "../../modules/coap/options.js";
import { equal, test, throws } from "../harness.js";

test("critical, unsafe and no-cache-key as in RFC 7252 table 4", () => {
  // C, U, N columns of RFC 7252 §5.10, RFC 7641 §2, RFC 8613 §2, RFC 7967 §2.
  const table: [number, string][] = [
    [1, "C"],
    [URI_HOST, "CU"],
    [ETAG, ""],
    [IF_NONE_MATCH, "C"],
    [OBSERVE, "U"],
    [URI_PORT, "CU"],
    [OSCORE, "C"],
    [URI_PATH, "CU"],
    [CONTENT_FORMAT, ""],
    [MAX_AGE, "U"],
    [URI_QUERY, "CU"],
    [ACCEPT, "C"],
    [PROXY_URI, "CU"],
    [SIZE1, "N"],
    [NO_RESPONSE, "U"],
    [65001, "C"],
  ];
  for (const [number, letters] of table) {
    const found =
      (isCritical(number) ? "C" : "") +
      (isUnsafe(number) ? "U" : "") +
      (!isUnsafe(number) && isNoCacheKey(number) ? "N" : "");
    equal(found, letters, `option ${number}`);
    equal(isElective(number), !isCritical(number));
  }
});

test("codes", () => {
  equal(codeText(CONTENT), "2.05");
  equal(codeText(BAD_OPTION), "4.02");
  equal(codeText(95), "2.31");
  equal(codeClass(BAD_OPTION), 4);
  equal([0, 1, 31, 32, 64, 191, 192].map(isRequest), [
    false,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  equal([GET, 63, 64, CONTENT, 191, 192].map(isResponse), [false, false, true, true, true, false]);
});

test("options are inserted in order and found again", () => {
  const options: Option[] = [];
  addPath(options, "/3311/0");
  addUint(options, CONTENT_FORMAT, 60);
  addOption(options, URI_HOST, utf8("lamp"));
  addOption(options, URI_PATH, utf8("5850"));
  addUint(options, OBSERVE, 0);
  equal(
    options.map(({ number, value }) => `${number}:${toHex(value)}`),
    ["3:6c616d70", "6:", "11:33333131", "11:30", "11:35383530", "12:3c"],
  );
  equal(find(options, URI_PATH), utf8("3311"));
  equal(find(options, ETAG), undefined);
  equal(findAll(options, URI_PATH).length, 3);
  equal(findTexts(options, URI_PATH), ["3311", "0", "5850"]);
  equal(findUint(options, CONTENT_FORMAT), 60);
  equal(findUint(options, OBSERVE), 0);
  equal(findUint(options, MAX_AGE), undefined);
  const root: Option[] = [];
  addPath(root, "/");
  equal(root, []);
  throws(() => addPath(root, "l"), /slash/);
});

test("an integer may have leading zeros but not five bytes", () => {
  equal(findUint([{ number: 14, value: fromHex("0000003c") }], MAX_AGE), 60);
  equal(findUint([{ number: 14, value: fromHex("ffffffff") }], MAX_AGE), 4294967295);
  equal(findUint([{ number: 14, value: fromHex("000000003c") }], MAX_AGE), undefined);
});

test("a path that is not UTF-8 is none", () => {
  equal(findTexts([{ number: 11, value: fromHex("c0af") }], URI_PATH), undefined);
});

test("an unknown critical option is found, an unknown elective one ignored", () => {
  const path = { number: URI_PATH, value: utf8("l") };
  const understood = [URI_PATH, URI_PORT, ACCEPT, IF_NONE_MATCH];
  equal(unsupportedOption([path, { number: 65000, value: fromHex("00") }], understood), undefined);
  equal(unsupportedOption([path, { number: 65001, value: fromHex("00") }], understood), 65001);
  equal(unsupportedOption([path, { number: 35, value: fromHex("00") }], understood), 35);
});

test("a known option of a wrong length counts as unknown", () => {
  const understood = [URI_PORT, IF_NONE_MATCH, ACCEPT];
  equal(unsupportedOption([{ number: URI_PORT, value: fromHex("001633") }], understood), URI_PORT);
  equal(unsupportedOption([{ number: 5, value: fromHex("01") }], understood), IF_NONE_MATCH);
  equal(unsupportedOption([{ number: ACCEPT, value: fromHex("3c") }], understood), undefined);
  // RFC 7252 §5.4.3: an elective one is ignored instead.
  equal(unsupportedOption([{ number: 12, value: fromHex("000000") }], [12]), undefined);
});

test("an option that must not be repeated counts as unknown when it is", () => {
  const accept = { number: ACCEPT, value: fromHex("3c") };
  const path = { number: URI_PATH, value: utf8("a") };
  equal(unsupportedOption([path, path, accept], [URI_PATH, ACCEPT]), undefined);
  equal(unsupportedOption([path, accept, accept], [URI_PATH, ACCEPT]), ACCEPT);
});
