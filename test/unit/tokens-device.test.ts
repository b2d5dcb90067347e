import { uintBytes } from "../../modules/bytes/uint.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { encode } from "../../modules/cbor/encode.js";
import { ISSUED_MAX, IssuedTokens } from "../../modules/groups/issued.js";
import { ownToken } from "../../modules/groups/tokens.js";
import { emitHandOver } from "../../modules/groups/trust.js";
import { EDDSA } from "../../modules/ports/crypto.js";
import { KIND } from "../../modules/store/keys.js";
import { equal, test } from "../harness.js";
import {
  APPLICATION,
  GROUP,
  Holder,
  Kdc,
  KID,
  NOW,
  OTHER_APPLICATION,
  OWN,
  ROLES,
  SWITCH,
  sealing,
} from "../support/grants.js";
import { formatted, opened } from "../support/partition.js";

const kdc = new Kdc();
const IN_GROUP = uintBytes(GROUP);

/** A receiver that has its group's sealing key. */
function receiver(): Holder {
  const holder = new Holder(kdc);
  holder.giveSealing();
  return holder;
}

test("a presented AT-R: the sender's rights and the group's key, and both after a restart", () => {
  const holder = receiver();
  equal([holder.level(), holder.keyIds], [0, []]);
  equal(holder.tokens.present(kdc.token()), undefined);
  equal([holder.level(), holder.keyIds], [2, [1]]);
  equal([holder.level(SWITCH, OTHER_APPLICATION), holder.level(SWITCH, null)], [0, 0]);
  const { writes } = holder.store;
  equal(holder.tokens.present(kdc.token()), undefined);
  equal(holder.store.writes, writes, "once more changes nothing");
  const again = holder.again(kdc);
  equal([again.level(), again.keyIds, again.trust.now()], [2, [1], NOW]);
  equal(again.tokens.present(kdc.token({ keyId: 2, issuedAt: NOW + 1 })), undefined);
  equal(again.keyIds, [1, 2]);
});

test("each reason has its name, and no refused token changes anything", () => {
  const holder = receiver();
  const stranger = kdc.crypto.signatures?.signer(new Uint8Array(32).fill(3));
  if (stranger === undefined) throw new Error("no signatures");
  const good = kdc.token();
  const flipped = good.slice();
  flipped[good.length - 1] ^= 1;
  const cases: [Uint8Array, string][] = [
    [encode(utf8("the name of a token")), "reference"],
    [kdc.token({ audience: "another hall" }), "audience"],
    [kdc.token({ issuer: "another" }), "untrusted"],
    [kdc.token({ signer: stranger }), "forged"],
    [flipped, "forged"],
    [kdc.token({ under: sealing(kdc.crypto, 2) }), "envelope"],
    [kdc.token({ sealedFor: Uint8Array.of(8) }), "envelope"],
    [kdc.token({ securityGroup: uintBytes(GROUP + 1) }), "unknownGroup"],
    [kdc.token({ scope: [{ appGroup: 77, level: 2, roles: 1 }] }), "unknownGroup"],
    [kdc.token({ subject: OWN }), "holder"],
    [utf8("no token"), "malformed"],
  ];
  for (const [token, reason] of cases) equal(holder.tokens.present(token), reason);
  for (let bit = 0; bit < good.length * 8; bit += 7) {
    const other = good.slice();
    other[bit >> 3] ^= 1 << (bit & 7);
    equal(typeof holder.tokens.present(other), "string", `bit ${bit}`);
  }
  equal([holder.rights.count, holder.keyIds, holder.store.keys(KIND.ISSUED)], [0, [], []]);
});

test("an older token after a newer one: refused, whatever it grants, after a restart too", () => {
  const holder = receiver();
  const level = (number: 1 | 2) => [{ ...ROLES[0], level: number }];
  holder.tokens.present(kdc.token({ issuedAt: NOW + 5, scope: level(1) }));
  equal(holder.tokens.present(kdc.token({ issuedAt: NOW + 4, scope: level(2) })), "older");
  const again = holder.again(kdc);
  equal(again.tokens.present(kdc.token({ issuedAt: NOW + 4, scope: level(2) })), "older");
  equal(again.level(), 1);
});

test("who only receives gets no right to send", () => {
  const holder = receiver();
  const scope = [{ appGroup: APPLICATION, level: 2, roles: 2 } as const];
  equal(holder.tokens.present(kdc.token({ scope })), undefined);
  equal(holder.level(), 0);
});

test("expired by the latest time seen, and it stays so across restarts and clocks set back", () => {
  const holder = receiver();
  const short = kdc.token({ expiresAt: NOW + 100 });
  equal([holder.tokens.present(short), holder.level()], [undefined, 2]);
  holder.trust.see(NOW + 50);
  holder.clock.advance(51_000_000);
  equal(holder.tokens.present(short), "expired");
  equal([holder.tokens.expire(), holder.level()], [true, 0]);
  const again = holder.again(kdc);
  equal(again.tokens.present(short), "expired");
  equal([again.level(), again.store.keys(KIND.ISSUED).length], [0, 1]);
  again.trust.see(NOW);
  equal(again.tokens.present(short), "expired");
});

test("what is over stays over, also where flash refused to note it at first", () => {
  const holder = receiver();
  const short = kdc.token({ expiresAt: NOW + 100 });
  holder.tokens.present(short);
  holder.trust.see(NOW + 50);
  holder.clock.advance(51_000_000);
  const refuseOnce = () => {
    let count = 0;
    holder.flash.refuses = () => count++ === 0;
  };
  refuseOnce();
  equal(holder.tokens.expire(), false);
  refuseOnce();
  equal(holder.tokens.present(short), "storeFailed");
  equal(holder.tokens.present(short), "expired");
  equal([holder.tokens.expire(), holder.level()], [true, 0]);
  equal(holder.again(kdc).tokens.present(short), "expired");
});

test("what was over when its rights were taken is over after a restart", () => {
  const holder = receiver();
  const short = kdc.token({ expiresAt: NOW + 100 });
  holder.tokens.present(short);
  holder.trust.see(NOW + 50);
  holder.clock.advance(51_000_000);
  equal(holder.tokens.expire(), true);
  equal(holder.again(kdc).tokens.present(short), "expired");
});

test("where flash refuses a revocation, it is not reported as done", () => {
  const holder = receiver();
  holder.tokens.present(kdc.token());
  let count = 0;
  holder.flash.refuses = () => count++ === 0;
  const revoked = [{ clientId: SWITCH, upTo: NOW + 10 }];
  equal(holder.deliver({ revoked }), ["storeFailed"]);
  equal([holder.deliver({ revoked }), holder.level()], [[undefined], 0]);
  equal(holder.again(kdc).tokens.present(kdc.token()), "older");
});

test("a revocation that was cut short is done when it is said again", () => {
  for (let operation = 0; operation < 8; operation++) {
    const holder = receiver();
    holder.tokens.present(kdc.token());
    let count = 0;
    holder.flash.refuses = () => count++ === operation;
    const revoked = [{ clientId: SWITCH, upTo: NOW }];
    const [first] = holder.deliver({ revoked });
    holder.flash.refuses = undefined;
    const isCut = count > operation;
    if (first === undefined) equal([isCut, holder.level()], [isCut, 0]);
    const again = holder.again(kdc);
    equal([again.deliver({ revoked }), again.level()], [[undefined], 0], `after ${operation}`);
    equal([again.again(kdc).level(), again.tokens.present(kdc.token())], [0, "older"]);
  }
});

test("time goes on from a token's, and never back", () => {
  const holder = receiver();
  const short = kdc.token({ expiresAt: NOW + 60 });
  equal([holder.tokens.present(short), holder.trust.now()], [undefined, NOW]);
  holder.clock.advance(50_000_000);
  holder.trust.see(NOW + 20);
  equal([holder.trust.now(), holder.tokens.expire(), holder.level()], [NOW + 50, true, 2]);
  holder.clock.advance(11_000_000);
  equal([holder.tokens.expire(), holder.level()], [true, 0]);
  const again = holder.again(kdc);
  equal(again.tokens.present(short), "expired");
  again.clock.advance(100_000_000);
  equal(again.trust.now(), NOW + 161);
});

test("how late it is gets into flash by the hour, not oftener", () => {
  const holder = receiver();
  const { writes } = holder.store;
  equal(
    [holder.tokens.expire(), holder.store.writes],
    [true, writes],
    "nobody said what time it is",
  );
  holder.tokens.present(kdc.token({ expiresAt: NOW + 5000 }));
  const before = holder.store.writes;
  for (let minute = 0; minute < 61; minute++) {
    equal(holder.tokens.expire(), true);
    holder.clock.advance(60_000_000);
  }
  equal([holder.store.writes - before, holder.again(kdc).trust.now()], [1, NOW + 3600]);
});

test("without anybody to tell the time a token of somebody else tells it", () => {
  const holder = receiver();
  holder.tokens.present(kdc.token({ expiresAt: NOW + 100 }));
  holder.tokens.present(kdc.token({ subject: Uint8Array.of(8), issuedAt: NOW + 200 }));
  equal([holder.tokens.expire(), holder.level()], [true, 0]);
});

test("where flash refuses, nothing is reported as done, and doing it again is", () => {
  for (let operation = 0; operation < 12; operation++) {
    const holder = receiver();
    let count = 0;
    holder.flash.refuses = () => count++ === operation;
    const first = holder.tokens.present(kdc.token());
    const wasCut = count > operation;
    holder.flash.refuses = undefined;
    if (wasCut && first !== undefined) equal(first, "storeFailed");
    if (first !== undefined) equal(holder.tokens.present(kdc.token()), undefined);
    const again = holder.again(kdc);
    const state = [again.level(), again.keyIds, again.trust.now()];
    equal(state, [2, [1], NOW], `after ${operation}`);
    equal(again.tokens.present(kdc.token({ issuedAt: NOW - 1 })), "older");
  }
});

test("the table of newest tokens is bounded, and refuses the newcomer", () => {
  const holder = receiver();
  const refusals = new Set<string | undefined>();
  for (let client = 1; client <= 9; client++) {
    if (client === 7) continue;
    refusals.add(holder.tokens.present(kdc.token({ subject: Uint8Array.of(client) })));
  }
  equal([...refusals], [undefined]);
  equal(holder.tokens.present(kdc.token()), "tableFull", "of rights");
  equal(holder.level(Uint8Array.of(1)), 2);
  const issued = new IssuedTokens(opened(formatted(4)), () => true);
  const note = (client: number) => issued.put({ client: uintBytes(client), from: NOW, grants: [] });
  for (let client = 1; client <= ISSUED_MAX; client++) equal(note(client), undefined);
  equal([note(ISSUED_MAX + 1), note(ISSUED_MAX)], ["tableFull", undefined]);
});

test("an older token does not come back when a newer one, or a revocation, is over", () => {
  const holder = receiver();
  const old = kdc.token();
  holder.tokens.present(old);
  const scope = [{ ...ROLES[0], level: 1 } as const];
  holder.deliver({ revoked: [{ clientId: SWITCH, upTo: NOW + 5 }] });
  holder.tokens.present(kdc.token({ issuedAt: NOW + 10, expiresAt: NOW + 100, scope }));
  equal([holder.tokens.present(old), holder.level()], ["older", 1]);
  holder.trust.see(NOW + 101);
  equal([holder.tokens.expire(), holder.tokens.present(old), holder.level()], [true, "older", 0]);
  const again = holder.again(kdc);
  equal([again.tokens.expire(), again.tokens.present(old)], [true, "older"]);
  equal(again.tokens.present(kdc.token({ issuedAt: NOW + 20 })), undefined);
});

test("more revocations than rows: each is done, newcomers get in, the revoked do not", () => {
  const holder = receiver();
  holder.tokens.present(kdc.token());
  const first = uintBytes(1000);
  for (let client = 0; client <= ISSUED_MAX; client++) {
    const revoked = [{ clientId: uintBytes(1000 + client), upTo: NOW + client }];
    equal(holder.deliver({ revoked }), [undefined], `${client}`);
  }
  const again = holder.again(kdc);
  for (const one of [holder, again]) {
    equal(one.tokens.present(kdc.token({ subject: first, issuedAt: NOW })), "older");
    equal([one.level(), one.tokens.present(kdc.token())], [2, undefined]);
  }
  const later = { subject: Uint8Array.of(8), issuedAt: NOW + 500 };
  equal(again.tokens.present(kdc.token(later)), undefined);
  // Said again, a revocation of whoever gave way does not open what was closed.
  equal(again.deliver({ revoked: [{ clientId: first, upTo: NOW - 9 }] }), [undefined]);
  equal(again.tokens.present(kdc.token({ subject: first, issuedAt: NOW })), "older");
});

test("our own key comes over the KDC's channel alone", () => {
  const holder = new Holder(kdc);
  const pairwise = sealing(kdc.crypto, 0x70);
  const own = kdc.token({ subject: OWN, under: pairwise });
  const terms = [{ securityGroup: IN_GROUP, validitySeconds: 3600, messages: 1000 }];
  equal(holder.deliver({ tokens: [own], terms }), ["holder"], "under no channel's key");
  equal(holder.deliver({ tokens: [own], terms }, pairwise), [undefined]);
  const [{ lifetime }] = holder.groups.directory.securities()[0].associations;
  equal([holder.keyIds, lifetime?.terms.messages], [[1], 1000]);
  equal(holder.deliver({ tokens: [own] }, pairwise), [undefined], "and again");
  // The one to be presented is kept as it is.
  const shown = kdc.token({ subject: OWN });
  equal(holder.deliver({ tokens: [shown] }, pairwise), [undefined]);
  equal(ownToken(holder.store, GROUP), shown);
  equal(ownToken(holder.again(kdc).store, GROUP), shown);
});

test("material that the group's scheme cannot use never gets into flash", () => {
  const holder = new Holder(kdc);
  const pairwise = sealing(kdc.crypto, 0x70);
  const material = new Map([[1, new Uint8Array(16)]]);
  const own = kdc.token({ subject: OWN, under: pairwise, material });
  // A group of lowlatency has no use for a map, and must not find one in flash at its next start.
  equal(holder.deliver({ tokens: [own] }, pairwise), ["envelope"]);
  equal(holder.again(kdc).keyIds, []);
  equal(holder.keyIds, []);
});

test("never a grace after a loss: the older keys are gone when it is reported as done", () => {
  const holder = new Holder(kdc);
  const pairwise = sealing(kdc.crypto, 0x70);
  const own = (keyId: number) => kdc.token({ subject: OWN, under: pairwise, keyId });
  holder.deliver({ tokens: [own(1)] }, pairwise);
  equal(holder.deliver({ tokens: [own(2)] }, pairwise), [undefined]);
  equal(holder.keyIds, [1, 2], "in peace the old key has its grace");
  equal(holder.deliver({ tokens: [own(3)], broken: [IN_GROUP] }, pairwise), [undefined, undefined]);
  const again = holder.again(kdc);
  equal([holder.keyIds, again.keyIds], [[3], [3]]);
  again.deliver({ tokens: [own(4)] }, pairwise);
  again.flash.refuses = () => true;
  equal(again.deliver({ broken: [IN_GROUP] }, pairwise), ["storeFailed"]);
});

test("revoked: his rights are gone, and what was issued before does not bring them back", () => {
  const holder = receiver();
  holder.tokens.present(kdc.token());
  const revoked = [{ clientId: SWITCH, upTo: NOW + 10 }];
  equal([holder.deliver({ revoked }), holder.level()], [[undefined], 0]);
  equal(holder.tokens.present(kdc.token({ issuedAt: NOW + 10 })), "older");
  const again = holder.again(kdc);
  equal(again.tokens.present(kdc.token()), "older");
  // What was issued afterwards is not meant.
  equal(again.tokens.present(kdc.token({ issuedAt: NOW + 20 })), undefined);
  equal([again.deliver({ revoked }), again.level()], [[undefined], 2]);
});

test("after an eviction a token under the former sealing key is refused", () => {
  const holder = receiver();
  holder.giveSealing(2);
  equal(holder.tokens.present(kdc.token()), "envelope");
  equal(holder.tokens.present(kdc.token({ under: sealing(kdc.crypto, 2) })), undefined);
});

test("who comes late is told the others' numbers, and takes nothing older for new", () => {
  const holder = receiver();
  const numbers = [{ securityGroup: IN_GROUP, sender: SWITCH, next: 100 }];
  equal(holder.deliver({ numbers }), ["unknownGroup"], "without a key there is nothing to count");
  holder.tokens.present(kdc.token());
  equal(holder.deliver({ numbers }), [undefined]);
  const { recipients, directory } = holder.again(kdc).groups;
  const [{ index }] = directory.securities()[0].associations;
  const row = recipients.find(index, { length: 1, high: 0, low: 7 });
  equal([recipients.isFresh(row, 99), recipients.isFresh(row, 100)], [false, true]);
});

test("what a push overtook brings back no older sealing key, and no older token to show", () => {
  const holder = receiver();
  holder.giveSealing(3);
  holder.giveSealing(2);
  equal(holder.tokens.present(kdc.token({ under: sealing(kdc.crypto, 3) })), undefined);
  const pairwise = sealing(kdc.crypto, 9);
  const shownUnder = (kid: number) =>
    kdc.token({ subject: OWN, under: sealing(kdc.crypto, kid), keyId: kid });
  const deliver = (kid: number) => holder.deliver({ tokens: [shownUnder(kid)] }, pairwise);
  equal([deliver(4), deliver(3)], [[undefined], [undefined]]);
  equal(ownToken(holder.store, GROUP), shownUnder(4));
});

test("a place that asks nothing of tokens: one that ends counts from its own date", () => {
  const holder = receiver();
  equal(holder.trust.now(), 0, "nobody said what time it is");
  equal(holder.tokens.present(kdc.token({ expiresAt: NOW + 100 })), undefined);
  holder.clock.advance(99_000_000);
  equal([holder.tokens.expire(), holder.level()], [true, 2]);
  holder.clock.advance(2_000_000);
  equal([holder.tokens.expire(), holder.level()], [true, 0]);
  equal(holder.tokens.present(kdc.token({ issuedAt: NOW + 1 })), undefined, "without an end");
  equal(holder.level(), 2);
});

test("a strict place: tokens end, and wait until the time was told since the start", () => {
  const strict = new Holder(kdc, formatted(4), true);
  strict.giveSealing();
  const short = kdc.token({ expiresAt: NOW + 100 });
  equal(strict.tokens.present(kdc.token()), "endless");
  equal(strict.tokens.present(short), "timeless");
  equal([strict.level(), strict.keyIds, strict.trust.now()], [0, [], 0]);
  const pairwise = sealing(kdc.crypto, 9);
  const own = (more: object) => kdc.token({ subject: OWN, under: pairwise, ...more });
  equal(strict.deliver({ tokens: [own({})] }, pairwise), ["endless"]);
  equal(strict.deliver({ tokens: [own({ expiresAt: NOW + 500 })] }, pairwise), [undefined]);
  equal([strict.tokens.present(short), strict.level()], [undefined, 2]);
  // It was off: for how long, the time in flash does not say.
  const again = new Holder(kdc, strict.flash, true);
  const later = kdc.token({ issuedAt: NOW + 10, expiresAt: NOW + 200 });
  equal([again.tokens.present(later), again.trust.see(NOW + 150, true)], ["timeless", true]);
  equal([again.tokens.present(later), again.tokens.present(short)], [undefined, "expired"]);
});

test("a second KDC is refused, until the first one hands over", () => {
  const holder = receiver();
  const signer = kdc.crypto.signatures?.signer(new Uint8Array(32).fill(4));
  if (signer === undefined) throw new Error("no signatures");
  const other = { ...kdc.trusted, issuer: "kdc 2", publicKey: signer.publicKey };
  equal([holder.trust.adopt(kdc.trusted), holder.trust.adopt(other)], [true, false]);
  const theirs = kdc.token({ issuer: "kdc 2", signer });
  equal(holder.tokens.present(theirs), "untrusted");
  const by = (from: typeof signer) =>
    ({ voucher: { alg: EDDSA, signer: from }, kid: KID }) as const;
  const say = (from: typeof signer, to: typeof other, count: number) =>
    holder.deliver({ handOver: emitHandOver(kdc.crypto, by(from), { trusted: to, count }) });
  equal(say(signer, other, 1), ["forged"]);
  equal(say(kdc.signer, other, 0), ["older"]);
  equal(say(kdc.signer, other, 1), [undefined]);
  equal(say(signer, other, 1), [undefined], "said again");
  equal(holder.tokens.present(theirs), undefined);
  equal(holder.tokens.present(kdc.token({ issuedAt: NOW + 1 })), "untrusted");
  equal(say(signer, kdc.trusted, 2), [undefined]);
  equal(say(kdc.signer, other, 1), ["older"], "what was said long ago");
  equal(holder.again(kdc).trust.trusted?.issuer, "kdc");
});
