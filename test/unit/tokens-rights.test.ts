/** Whose rights hold for how long, where several tokens speak of one client. */
import { EMPTY_DELIVERY, emitDelivery, parseDelivery } from "../../modules/access/delivery.js";
import type { Level } from "../../modules/access/level.js";
import { SENDER } from "../../modules/access/scope.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { encode } from "../../modules/cbor/encode.js";
import { equal, test } from "../harness.js";
import {
  APPLICATION,
  GROUP,
  Holder,
  Kdc,
  NOW,
  OTHER_APPLICATION,
  OWN,
  SWITCH,
  sealing,
} from "../support/grants.js";

const kdc = new Kdc();
const BOTH = [APPLICATION, OTHER_APPLICATION];

function receiver(): Holder {
  const holder = new Holder(kdc);
  holder.giveSealing();
  return holder;
}

/** An AT-R as a KDC makes it: of one application group. */
function of(appGroup: number, level: Level, at: number, ends?: number): Uint8Array {
  return kdc.token({
    scope: [{ appGroup, level, roles: SENDER }],
    issuedAt: NOW + at,
    ...(ends === undefined ? {} : { expiresAt: NOW + ends }),
  });
}

function levels(holder: Holder): number[] {
  return BOTH.map((appGroup) => holder.level(SWITCH, appGroup));
}

function taken(holder: Holder, ...tokens: Uint8Array[]): (string | undefined)[] {
  return tokens.map((token) => holder.tokens.present(token));
}

test("each right has the end of the token that it came with, whichever came first", () => {
  const [short, endless] = [of(APPLICATION, 2, 0, 100), of(OTHER_APPLICATION, 2, 0)];
  for (const tokens of [
    [short, endless],
    [endless, short],
  ]) {
    const holder = receiver();
    equal([taken(holder, ...tokens), levels(holder)], [Array(2).fill(undefined), [2, 2]]);
    holder.trust.see(NOW + 101);
    equal([holder.tokens.expire(), levels(holder)], [true, [0, 2]]);
    const again = holder.again(kdc);
    equal([again.tokens.expire(), levels(again)], [true, [0, 2]]);
    equal(taken(again, of(APPLICATION, 2, 1)), [undefined]);
    equal([levels(again), again.rights.count], [[2, 2], 2]);
  }
});

test("a token is older in its application group: those of one answer come in any order", () => {
  const holder = receiver();
  equal(taken(holder, of(OTHER_APPLICATION, 2, 1), of(APPLICATION, 2, 0)), [undefined, undefined]);
  equal(levels(holder), [2, 2]);
  equal(taken(holder, of(OTHER_APPLICATION, 2, 0)), ["older"]);
});

test("of two tokens of one moment the lesser holds, whatever is presented in turn", () => {
  const holder = receiver();
  equal(taken(holder, of(APPLICATION, 2, 0), of(APPLICATION, 1, 0, 100)), [undefined, undefined]);
  equal(levels(holder), [1, 0]);
  const { writes } = holder.store;
  for (let turn = 0; turn < 3; turn++) taken(holder, of(APPLICATION, 2, 0), of(APPLICATION, 1, 0));
  equal([levels(holder), holder.store.writes], [[1, 0], writes], "and wears no flash");
  holder.trust.see(NOW + 101);
  equal([holder.tokens.expire(), levels(holder)], [true, [0, 0]]);
  equal([taken(holder, of(APPLICATION, 2, 0)), levels(holder)], [["older"], [0, 0]]);
});

test("taken back in one application group: what was issued before counts there no more", () => {
  const holder = receiver();
  const before = [of(APPLICATION, 2, 0), of(OTHER_APPLICATION, 2, 0)];
  taken(holder, ...before);
  const revoked = [{ clientId: SWITCH, upTo: NOW + 5, appGroup: APPLICATION }];
  equal([holder.deliver({ revoked }), levels(holder)], [[undefined], [0, 2]]);
  equal(holder.rights.count, 1, "no row is left behind");
  equal(
    [taken(holder, ...before), levels(holder)],
    [
      ["older", undefined],
      [0, 2],
    ],
  );
  const again = holder.again(kdc);
  equal(
    [taken(again, ...before), levels(again)],
    [
      ["older", undefined],
      [0, 2],
    ],
  );
  equal(taken(again, of(APPLICATION, 2, 5)), ["older"]);
  equal(taken(again, of(APPLICATION, 1, 6)), [undefined]);
  equal([again.deliver({ revoked }), levels(again)], [[undefined], [1, 2]], "said again");
  // One that was never heard of here, and one of somebody else's.
  const late = { clientId: Uint8Array.of(8), upTo: NOW, appGroup: APPLICATION };
  equal(again.deliver({ revoked: [late, { ...late, appGroup: 77 }] }), [undefined, undefined]);
  equal(again.tokens.present(kdc.token({ subject: Uint8Array.of(8) })), "older");
});

test("put out for good: all of it goes but what was issued afterwards", () => {
  const holder = receiver();
  taken(holder, of(APPLICATION, 2, 0), of(OTHER_APPLICATION, 2, 9));
  const revoked = [{ clientId: SWITCH, upTo: NOW + 5 }];
  equal([holder.deliver({ revoked }), levels(holder)], [[undefined], [0, 2]]);
  equal(taken(holder, of(APPLICATION, 2, 5)), ["older"]);
  const narrower = [{ clientId: SWITCH, upTo: NOW + 3, appGroup: APPLICATION }];
  equal([holder.deliver({ revoked: narrower }), levels(holder)], [[undefined], [0, 2]]);
  equal(taken(holder, of(APPLICATION, 2, 4)), ["older"]);
});

test("wherever a power cut comes, rights are those of before or of the newer token", () => {
  for (let operation = 0; operation < 6; operation++) {
    const holder = receiver();
    taken(holder, of(APPLICATION, 2, 0, 100));
    let count = 0;
    holder.flash.refuses = () => count++ >= operation;
    taken(holder, of(APPLICATION, 1, 1));
    holder.flash.refuses = undefined;
    const again = holder.again(kdc);
    equal(again.tokens.expire(), true);
    const [level] = levels(again);
    // Level 2 was until +100 and no longer.
    again.trust.see(NOW + 101);
    equal([again.tokens.expire(), levels(again)[0]], [true, level === 2 ? 0 : 1], `${operation}`);
  }
});

test("a revocation in one group that was cut short is done when it is said again", () => {
  for (let operation = 0; operation < 6; operation++) {
    const holder = receiver();
    taken(holder, of(APPLICATION, 2, 0));
    let count = 0;
    holder.flash.refuses = () => count++ === operation;
    const revoked = [{ clientId: SWITCH, upTo: NOW, appGroup: APPLICATION }];
    const [first] = holder.deliver({ revoked });
    const isCut = count > operation;
    holder.flash.refuses = undefined;
    if (isCut && first !== undefined) equal(first, "storeFailed");
    const again = holder.again(kdc);
    if (first !== undefined) equal(again.deliver({ revoked }), [undefined], `${operation}`);
    equal([levels(again), again.again(kdc).level()], [[0, 0], 0], `after ${operation}`);
    equal(taken(again, of(APPLICATION, 2, 0)), ["older"]);
  }
});

test("whose rights there is no room for has them when there is", () => {
  const holder = receiver();
  const client = (id: number) => kdc.token({ subject: uintBytes(id) });
  for (let id = 20; id < 28; id++) equal(holder.tokens.present(client(id)), undefined);
  equal(taken(holder, of(APPLICATION, 2, 0)), ["tableFull"]);
  equal(holder.deliver({ revoked: [{ clientId: uintBytes(20), upTo: NOW }] }), [undefined]);
  equal([holder.tokens.expire(), levels(holder)], [true, [2, 0]]);
});

test("a revocation names an application group, or means all", () => {
  const revoked = [
    { clientId: SWITCH, upTo: NOW },
    { clientId: SWITCH, upTo: NOW, appGroup: 0 },
  ];
  equal(parseDelivery(emitDelivery({ ...EMPTY_DELIVERY, revoked }))?.revoked, revoked);
  for (const item of [[SWITCH], [SWITCH, NOW, null], [SWITCH, NOW, -1], [SWITCH, NOW, 1, 2]]) {
    equal(parseDelivery(encode(new Map([[4, [item]]]))), undefined);
  }
});

test("a key that somebody's AT-R brought ends as the KDC says, however late it says so", () => {
  const pairwise = sealing(kdc.crypto, 0x70);
  const own = kdc.token({ subject: OWN, under: pairwise });
  const terms = { securityGroup: uintBytes(GROUP), validitySeconds: 3600, messages: 1000 };
  const holder = receiver();
  const current = (one: Holder) => {
    return one.groups.keyring.current(one.groups.directory.securities()[0]);
  };
  taken(holder, of(APPLICATION, 2, 0));
  equal(current(holder)?.lifetime, undefined);
  holder.flash.refuses = () => true;
  equal(holder.deliver({ tokens: [own], terms: [terms] }, pairwise), ["storeFailed"]);
  holder.flash.refuses = undefined;
  equal(holder.deliver({ tokens: [own], terms: [terms] }, pairwise), [undefined]);
  equal(current(holder)?.lifetime?.terms, { endsAtSeconds: 3600, messages: 1000 });
  // Said once more it is a second more or less; an older answer says more.
  const { writes } = holder.store;
  for (const validitySeconds of [3599, 3601, 7200, undefined]) {
    const again = [{ ...terms, validitySeconds, messages: 2000 }];
    equal(holder.deliver({ tokens: [own], terms: again }, pairwise), [undefined]);
  }
  equal([current(holder)?.lifetime?.terms.endsAtSeconds, holder.store.writes], [3600, writes]);
  const sooner = [{ ...terms, validitySeconds: 100, messages: undefined }];
  equal(holder.deliver({ tokens: [own], terms: sooner }, pairwise), [undefined]);
  equal(current(holder)?.lifetime?.terms, { endsAtSeconds: 100, messages: 1000 });
  holder.clock.advance(101_000_000);
  equal([current(holder), current(holder.again(kdc))], [undefined, undefined]);
});
