/** Groups changed by presses: what an authority decides, and what it has to tell to whom. */
import {
  emitTap,
  emitWish,
  GROUPING_SECONDS,
  parseAnnouncement,
  parseOpened,
  parseTap,
  parseTapped,
  parseWish,
} from "../../modules/access/grouping.js";
import { COMMANDER, RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { createGroup } from "../../modules/authority/distribution.js";
import {
  announcedAt,
  noteRefused,
  noteRole,
  noteTold,
  roleOf,
  type Telling,
  tellingsIn,
  tellLater,
} from "../../modules/authority/grouping.js";
import { admitJoiner, expectJoiner } from "../../modules/authority/joiners.js";
import { answerKdc } from "../../modules/authority/kdc-face.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { applications, devices, NONE, numberKey } from "../../modules/authority/records.js";
import { enrol, reportLost } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { CBOR, codeText } from "../../modules/coap/options.js";
import { equal, test } from "../harness.js";
import { APPLICATION, ask, centerOf, furnish, GROUP, TERMS } from "../support/authority.js";
import { SeededRandom } from "../support/random.js";

const NOW = 1_000_000;
const OTHER = 2;
const LAMP = 1;
const OTHER_LAMP = 2;
const SWITCH = 3;
const SECOND_SWITCH = 4;
const OTHER_SWITCH = 5;
const SENSOR = 6;
const ROLES: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 2, 5: 2, 6: 3 };

const keyOf = (number: number) => toHex(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, number));
const entry = (appGroup: number, roles: number, level = 2): Scope => [
  { appGroup, level: level as 2, roles },
];

class Desk {
  readonly ledger = new MemoryLedger();
  readonly center = centerOf();
  now = NOW;

  constructor() {
    this.run((rows) => {
      furnish(rows, this.center, { ...TERMS });
      createGroup(rows, this.center, OTHER, TERMS);
      const other = { name: "attic", group: OTHER, address: new Uint8Array(16), port: 5683 };
      applications.put(rows, numberKey(OTHER), other);
    });
    this.device(LAMP, entry(APPLICATION, RECEIVER));
    this.device(OTHER_LAMP, []);
    this.device(SWITCH, entry(APPLICATION, SENDER));
    this.device(SECOND_SWITCH, entry(APPLICATION, SENDER));
    this.device(OTHER_SWITCH, entry(OTHER, SENDER));
    this.device(SENSOR, entry(OTHER, SENDER));
  }

  run<T>(decide: (rows: Rows) => T): T {
    return this.ledger.run(decide);
  }

  device(number: number, scope: Scope): void {
    const credential = utf8(`device ${number}`);
    const made = { name: `device ${number}`, credential, scope, tokenSeconds: NONE };
    this.run((rows) => {
      enrol(rows, fromHex(keyOf(number)), made);
      if (ROLES[number] !== undefined) noteRole(rows, keyOf(number), ROLES[number]);
    });
  }

  says(number: number, path: string, payload: Uint8Array, format = CBOR) {
    const request = ask({ from: toHex(utf8(`device ${number}`)), path, payload, format });
    const { center } = this;
    return this.run((rows) => answerKdc(rows, { center, now: () => this.now }, request));
  }

  /** Its number, or why not. */
  opens(number: number, appGroup = APPLICATION): number | string {
    const { response } = this.says(number, "grouping", emitWish({ appGroup }));
    const opened = parseOpened(response.payload ?? new Uint8Array(0));
    return opened?.number ?? codeText(response.code);
  }

  ends(number: number, grouping: number): string {
    const said = emitWish({ number: grouping });
    return codeText(this.says(number, "grouping", said).response.code);
  }

  taps(number: number, grouping: number, isIn: boolean): string {
    const { response } = this.says(number, "tapped", emitTap({ number: grouping, isIn }));
    const { code, payload = new Uint8Array(0) } = response;
    const said = parseTapped(payload);
    return said === undefined ? codeText(code) : `${codeText(code)} ${said ? "in" : "out"}`;
  }

  get open() {
    return this.run((rows) => announcedAt(rows, this.now));
  }

  get tellings(): Telling[] {
    return this.run((rows) => tellingsIn(rows, () => []));
  }

  scopeOf(number: number): Scope {
    return this.run((rows) => devices.need(rows, keyOf(number)).scope);
  }
}

test("a tap puts a lamp in, another takes it out; the switch ends it", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  equal(number, 1);
  equal(desk.taps(OTHER_LAMP, number, true), "2.04 in");
  equal(desk.scopeOf(OTHER_LAMP), entry(APPLICATION, RECEIVER));
  equal(desk.taps(LAMP, number, false), "2.04 out");
  equal(desk.scopeOf(LAMP), []);
  equal(
    desk.open?.devices.map(({ clientId, isIn }) => [clientId[0], isIn]),
    [
      [LAMP, false],
      [OTHER_LAMP, true],
      [SENSOR, false],
    ],
    "no switch is told",
  );
  equal(desk.ends(SWITCH, number), "2.04");
  equal([desk.open, desk.taps(LAMP, number, true)], [undefined, "4.04"]);
  equal(desk.opens(SWITCH), 2, "its number never comes again");
});

test("who may not switch the group opens and ends nothing", () => {
  const desk = new Desk();
  equal(desk.opens(OTHER_SWITCH), "4.03", "another group's switch");
  equal(desk.opens(LAMP), "4.03", "it hears, and does not speak");
  equal(desk.opens(40), "4.03", "nobody of ours");
  equal(desk.opens(SWITCH, 77), "4.03", "no group");
  desk.device(7, entry(APPLICATION, SENDER, 1));
  equal(desk.opens(7), "4.03", "it may read alone");
  const number = desk.opens(SWITCH) as number;
  equal(desk.ends(OTHER_SWITCH, number), "4.03");
  equal(desk.ends(LAMP, number), "4.03");
  equal(desk.open?.number, number);
});

test("a switch that was reported lost opens nothing, and what it opened is over", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  desk.run((rows) => reportLost(rows, fromHex(keyOf(SWITCH))));
  equal([desk.open, desk.taps(OTHER_LAMP, number, true)], [undefined, "4.04"]);
  equal(desk.opens(SWITCH), "4.03");
});

test("two switches: of one group they share one, and either ends it", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  equal(desk.opens(SECOND_SWITCH), number);
  equal(desk.ends(SECOND_SWITCH, number), "2.04");
  equal(desk.open, undefined);
});

test("two switches: for another group there is none meanwhile: a tap means one thing", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  equal(desk.opens(OTHER_SWITCH, OTHER), "4.09");
  equal(desk.taps(OTHER_LAMP, number, true), "2.04 in");
  equal(desk.scopeOf(OTHER_LAMP), entry(APPLICATION, RECEIVER));
  desk.ends(SWITCH, number);
  equal(desk.opens(OTHER_SWITCH, OTHER), number + 1);
});

test("what was said of a grouping of before changes none of now", () => {
  const desk = new Desk();
  const before = desk.opens(SWITCH) as number;
  equal(desk.taps(OTHER_LAMP, before, true), "2.04 in");
  desk.ends(SWITCH, before);
  const now = desk.opens(SWITCH) as number;
  equal(desk.taps(OTHER_LAMP, before, false), "4.04");
  equal(desk.ends(SWITCH, before), "2.04", "it is over, as it says");
  equal([desk.open?.number, desk.scopeOf(OTHER_LAMP).length], [now, 1]);
});

test("the same tap twice is one", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  equal(desk.taps(OTHER_LAMP, number, true), "2.04 in");
  const [{ serial }] = desk.tellings;
  equal(desk.taps(OTHER_LAMP, number, true), "2.04 in");
  equal([desk.scopeOf(OTHER_LAMP).length, desk.tellings[0].serial], [1, serial]);
});

test("three minutes without a tap, and an hour with them", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  desk.now += GROUPING_SECONDS - 1;
  equal(desk.open?.seconds, 1);
  equal(desk.taps(OTHER_LAMP, number, true), "2.04 in");
  equal(desk.open?.seconds, GROUPING_SECONDS);
  desk.now += GROUPING_SECONDS;
  equal([desk.open, desk.taps(OTHER_LAMP, number, false)], [undefined, "4.04"]);
  const next = desk.opens(SWITCH) as number;
  for (let at = 0; at < 35; at++) {
    desk.now += 100;
    desk.taps(OTHER_LAMP, next, at % 2 === 0);
  }
  equal(desk.open?.seconds, 100);
  desk.now += 100;
  equal(desk.taps(OTHER_LAMP, next, true), "4.04");
});

test("a restart of the authority forgets nothing, and a clock set back prolongs nothing", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  desk.taps(OTHER_LAMP, number, true);
  // All there is is in the ledger.
  equal([desk.open?.number, desk.tellings.length], [number, 1]);
  desk.now += 100;
  equal(desk.taps(OTHER_LAMP, number, true), "2.04 in");
  desk.now = NOW;
  equal(desk.open?.seconds, GROUPING_SECONDS);
});

test("a tap counts from who was joined, and can be tapped", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  desk.device(8, []);
  equal(desk.taps(8, number, true), "4.03", "it takes no groups");
  equal(desk.taps(OTHER_SWITCH, number, true), "4.03", "a switch means something else");
  equal(desk.taps(41, number, true), "4.03");
  desk.run((rows) => reportLost(rows, fromHex(keyOf(OTHER_LAMP))));
  equal(desk.taps(OTHER_LAMP, number, true), "4.03");
  equal(desk.open?.devices.length, 2);
});

test("a sensor comes in as one who speaks and follows, and stays in its last group", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  equal(desk.taps(SENSOR, number, true), "2.04 in");
  equal(desk.scopeOf(SENSOR), [...entry(APPLICATION, COMMANDER), ...entry(OTHER, SENDER)]);
  desk.ends(SWITCH, number);
  const other = desk.opens(OTHER_SWITCH, OTHER) as number;
  equal(desk.taps(SENSOR, other, false), "2.04 out");
  desk.ends(OTHER_SWITCH, other);
  const last = desk.opens(SWITCH) as number;
  equal(desk.taps(SENSOR, last, false), "4.09 in", "and says where it stands");
  equal(desk.scopeOf(SENSOR), entry(APPLICATION, COMMANDER));
});

test("a group has a hundred devices, however they come", () => {
  const desk = new Desk();
  for (let number = 100; number < 197; number++) desk.device(number, entry(APPLICATION, RECEIVER));
  const number = desk.opens(SWITCH) as number;
  equal(desk.taps(OTHER_LAMP, number, true), "4.09 out");
  equal(desk.scopeOf(OTHER_LAMP), []);
  equal(desk.taps(LAMP, number, false), "2.04 out");
  equal(desk.taps(OTHER_LAMP, number, true), "2.04 in");
});

function bodyOf({ payload }: Telling): Map<Cbor, Cbor> | undefined {
  const decoded = payload && decode(payload);
  return decoded?.ok && decoded.value instanceof Map ? decoded.value : undefined;
}

test("what a device is told stands in the ledger until it has it, the latest alone", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  desk.taps(OTHER_LAMP, number, true);
  const [first] = desk.tellings;
  equal([toHex(first.clientId), first.appGroup], ["02", APPLICATION]);
  const part = new Map<Cbor, Cbor>([
    [0, GROUP],
    [1, "lowlatency"],
    [2, []],
    [3, TERMS.graceSeconds],
  ]);
  equal(bodyOf(first)?.get(5), encode(part));
  equal(bodyOf(first)?.has(6), false);
  desk.taps(OTHER_LAMP, number, false);
  desk.run((rows) => noteTold(rows, first));
  equal(
    desk.tellings.map(({ payload }) => payload),
    [undefined],
    "what it was told was of before",
  );
  desk.run((rows) => noteTold(rows, desk.tellings[0]));
  equal(desk.tellings, []);
  desk.taps(SENSOR, number, true);
  equal(bodyOf(desk.tellings[0])?.get(6), true, "a sensor commands it");
});

test("a device that refuses a group is out of it on both sides", () => {
  const desk = new Desk();
  const number = desk.opens(SWITCH) as number;
  const { center } = desk;
  const refuses = (told: Telling) =>
    desk.run((rows) => noteRefused(rows, { center, now: () => desk.now }, told));
  desk.taps(OTHER_LAMP, number, true);
  const [old] = desk.tellings;
  desk.taps(OTHER_LAMP, number, false);
  desk.taps(OTHER_LAMP, number, true);
  refuses(old);
  equal([desk.scopeOf(OTHER_LAMP).length, desk.tellings.length], [1, 1], "that was of before");
  refuses(desk.tellings[0]);
  equal([desk.scopeOf(OTHER_LAMP), desk.tellings], [[], []]);
  equal(desk.taps(OTHER_LAMP, number, true), "2.04 in", "it may be tried again");
});

test("who was joined has its role here, and others are told of no group", () => {
  const desk = new Desk();
  const eui64 = fromHex(keyOf(50));
  const joined = desk.run((rows) => {
    const wanted = { eui64, name: "new", role: 3, scope: [], proof: "label", by: "op" } as const;
    return expectJoiner(rows, wanted, { random: new SeededRandom(3), now: NOW });
  });
  equal(
    desk.run((rows) => roleOf(rows, keyOf(50))),
    undefined,
  );
  desk.run((rows) => admitJoiner(rows, joined.identity));
  equal(
    desk.run((rows) => roleOf(rows, keyOf(50))),
    3,
  );
  desk.device(9, []);
  desk.run((rows) => {
    tellLater(rows, keyOf(9), APPLICATION, true);
    tellLater(rows, keyOf(50), APPLICATION, true);
  });
  equal(desk.tellings.length, 1);
});

test("what is none of these messages is refused", () => {
  const desk = new Desk();
  const wish = emitWish({ appGroup: APPLICATION });
  equal(codeText(desk.says(SWITCH, "grouping", wish, 0).response.code), "4.15");
  equal(codeText(desk.says(LAMP, "tapped", wish, 0).response.code), "4.15");
  const bad = [new Uint8Array(0), encode(1), encode(new Map([[0, -1]])), encode(new Map())];
  for (const payload of bad) {
    equal(codeText(desk.says(SWITCH, "grouping", payload).response.code), "4.00");
    equal(codeText(desk.says(LAMP, "tapped", payload).response.code), "4.00");
    const parsed = [parseWish, parseTap, parseOpened, parseTapped, parseAnnouncement];
    equal(
      parsed.map((parse) => parse(payload)),
      Array(5).fill(undefined),
    );
  }
});
