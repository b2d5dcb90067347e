/**
 * A KDC that listens to its groups: whoever comes late is told how far their senders are, in every
 * profile, and gets another key where not all of it was heard.
 */
import { SENDER } from "../../modules/access/scope.js";
import { leave, renew } from "../../modules/authority/distribution.js";
import { numbersOf } from "../../modules/authority/heard.js";
import { sendingFor } from "../../modules/authority/pushing.js";
import { inGroup, members, newcomer } from "../../modules/authority/records.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { equal, test } from "../harness.js";
import { address } from "../support/addresses.js";
import { GROUP } from "../support/authority.js";
import { joins, REQUESTER } from "../support/comers.js";
import { NOW, pairwise } from "../support/kdc.js";
import { Late, Listened, ROWS } from "../support/listened.js";

const SENDERS = [1, 2];
/** One key for all, records, signatures. */
const KINDS = ["lowlatency", "dtls-record", "group-oscore"];

/** A group with two senders, of which the first has said 5, 7 and 6. */
function spoken(row: string): Listened {
  const hall = new Listened(row);
  hall.look();
  for (const at of SENDERS) hall.sender(at);
  for (const number of [5, 7, 6]) hall.listener.hear(hall.said(1, number));
  hall.look();
  return hall;
}

for (const row of ROWS) {
  test(`${row}: who comes late refuses what was said before, and hears what is said then`, () => {
    const hall = spoken(row);
    const recorded = [5, 6, 7].map((number) => hall.said(1, number));
    const late = new Late(hall, 3, SENDERS);
    equal(late.join(), [[1, 8]], "the other has said nothing");
    equal(hall.epoch, 1, "and nobody needs another key");
    equal(
      recorded.map((datagram) => late.hears(datagram)),
      Array(3).fill("replayed"),
    );
    equal([late.hears(hall.said(1, 8)), late.hears(hall.said(2, 1))], ["ok", "ok"]);
  });
}

test("whoever is told nothing takes what was said before for new", () => {
  const hall = spoken("lowlatency");
  hall.kdc.set({ numbers: "own" });
  const late = new Late(hall, 3, SENDERS);
  equal([late.join(), hall.epoch], [[], 1]);
  equal([late.hears(hall.said(1, 7)), late.hears(hall.said(1, 7))], ["ok", "replayed"]);
});

test("what only claims to be a sender's is not his number", () => {
  for (const row of KINDS) {
    const hall = spoken(row);
    const bent = hall.said(1, 1000);
    bent.bytes[bent.bytes.length - 1] ^= 1;
    hall.listener.hear(bent);
    // Another member has all it takes but the key that signs.
    if (hall.signs) hall.listener.hear(hall.said(1, 1000, { signer: 2 }));
    equal(hall.numbers, [7], row);
    equal(hall.listener.of(GROUP)?.waits, true, row);
    hall.look();
    equal(hall.listener.of(GROUP)?.waits, false, `${row}: it is nobody's`);
    equal(new Late(hall, 3, SENDERS).join(), [[1, 8]], row);
  }
});

test("lowlatency: whoever has the key can name anybody; who is no member is nobody", () => {
  const hall = spoken("lowlatency");
  for (let id = 10; id < 200; id++) hall.listener.hear(hall.said(id, 9));
  hall.look();
  equal(hall.numbers, [7]);
  hall.listener.hear(hall.said(2, 3));
  equal(hall.numbers, [7, 3], "and they take nobody's place");
});

test("who spoke before anybody listened may have said anything: another key", () => {
  for (const row of KINDS) {
    const hall = new Listened(row);
    hall.sender(1);
    hall.listener.forget();
    hall.look();
    hall.listener.hear(hall.said(1, 5));
    equal(hall.numbers, [5], row);
    equal(new Late(hall, 3, [1]).join(), [], row);
    equal(hall.epoch, 2, row);
    hall.look();
    pushTo(hall, 1);
    hall.listener.hear(hall.said(1, 9));
    equal(new Late(hall, 4, [1]).join(), [[1, 10]], `${row}: of the next key all was heard`);
    equal(hall.epoch, 2, row);
  }
});

function pushTo(hall: Listened, at: number): void {
  const to = { clientId: uintBytes(at), pairwise: pairwise(), now: NOW };
  hall.kdc.run((rows) => sendingFor(rows, hall.kdc.center, to));
}

test("who stops listening does not know what was missed, whatever he heard", () => {
  const breaks: [string, (hall: Listened) => void][] = [
    ["the program was restarted, or the interface was gone", (hall) => hall.listener.forget()],
    ["a place is not joined any more", (hall) => hall.look({ isJoined: () => false })],
    ["there is another place", (hall) => hall.put(8, elsewhere)],
    ["listening is not wanted for a while", (hall) => hall.kdc.set({ numbers: "renewed" })],
  ];
  for (const [why, breakIt] of breaks) {
    const hall = spoken("lowlatency");
    breakIt(hall);
    hall.look();
    hall.kdc.set({ numbers: "heard" });
    hall.look();
    equal(new Late(hall, 3, SENDERS).join(), [], why);
    equal(hall.epoch, 2, why);
  }
});

const elsewhere = { appGroup: 8, address: address(0xff35, 8), port: 5683 };

test("each place of the group is one that its senders speak at", () => {
  const hall = new Listened("lowlatency");
  hall.put(8, elsewhere);
  hall.look();
  hall.sender(1);
  hall.listener.hear(hall.said(1, 5));
  hall.listener.hear(hall.said(1, 9, { place: elsewhere }));
  hall.listener.hear({ ...hall.said(1, 50), to: { ...elsewhere, port: 5000 } });
  equal(hall.numbers, [9]);
});

test("under a key that was not seen yet nothing is lost, and nobody told until it is", () => {
  for (const row of KINDS) {
    const hall = spoken(row);
    renewed(hall);
    pushTo(hall, 1);
    hall.listener.hear(hall.said(1, 3, { epoch: 2 }));
    equal(hall.listener.of(GROUP)?.waits, true, row);
    const late = new Late(hall, 3, SENDERS);
    hall.look();
    equal(late.join(), [[1, 4]], row);
    equal(hall.epoch, 2, row);
  }
});

test("while something waits to be understood, a newcomer gets another key", () => {
  const hall = spoken("lowlatency");
  renewed(hall);
  pushTo(hall, 1);
  hall.listener.hear(hall.said(1, 3, { epoch: 2 }));
  equal(new Late(hall, 3, SENDERS).join(), []);
  equal(hall.epoch, 3);
});

function renewed(hall: Listened): void {
  hall.kdc.run((rows) => renew(rows, hall.kdc.center, GROUP, { isBroken: false, now: NOW }));
}

test("what came after the ledger was read waits for the next time", () => {
  const hall = spoken("group-oscore");
  const { count } = hall.listener;
  const before = hall.kdc.run((rows) => rows);
  joins(hall.kdc, 3, REQUESTER);
  hall.listener.hear(hall.said(3, 1));
  hall.listener.look(before, { isJoined: () => true, count });
  equal([hall.numbers, hall.listener.of(GROUP)?.waits], [[7], true]);
  hall.look();
  equal([hall.numbers, hall.listener.of(GROUP)?.waits], [[7, 1], false]);
});

test("what went by while the ledger was read was not heard: the next look begins", () => {
  const hall = new Listened("lowlatency");
  const { count } = hall.listener;
  const unused = hall.kdc.run((rows) => rows);
  joins(hall.kdc, 1, REQUESTER);
  hall.listener.hear(hall.said(1, 1));
  hall.listener.look(unused, { isJoined: () => true, count });
  equal(hall.listener.of(GROUP), undefined);
  hall.look();
  equal(new Late(hall, 3, [1]).join(), []);
  equal(hall.epoch, 2);
});

test("more than can wait is as if nobody had listened", () => {
  const hall = spoken("lowlatency");
  const junk = hall.said(1, 9);
  junk.bytes[junk.bytes.length - 1] ^= 1;
  for (let count = 0; count < 512; count++) hall.listener.hear(junk);
  equal(hall.numbers, [7]);
  hall.listener.hear(junk);
  equal(hall.listener.of(GROUP), undefined);
  hall.look();
  equal(new Late(hall, 3, SENDERS).join(), []);
  equal(hall.epoch, 2);
});

test("a sender for whom there is no place left was not heard, whenever it is understood", () => {
  for (const isLater of [false, true]) {
    const hall = new Listened("lowlatency");
    hall.look();
    hall.sender(1);
    const PLACES = 128;
    enter(hall, PLACES);
    for (let at = 1; at <= PLACES; at++) hall.listener.hear(hall.said(at, 5));
    equal([hall.numbers?.length, hall.listener.of(GROUP)?.waits], [PLACES, false]);
    const last = hall.said(PLACES + 1, 5);
    if (isLater) hall.listener.hear(last);
    enter(hall, PLACES + 1);
    if (!isLater) hall.listener.hear(last);
    equal(hall.listener.of(GROUP), undefined, isLater ? "it waited" : "at once");
  }
});

/** So many members that speak, of whom some may be gone. */
function enter(hall: Listened, count: number): void {
  hall.kdc.run((rows) => {
    for (let at = 1; at <= count; at++) {
      members.put(rows, inGroup(GROUP, uintBytes(at)), { ...newcomer(), roles: SENDER });
    }
  });
  hall.look();
}

test("a sender whose signature cannot be verified here is not listened to", () => {
  const hall = spoken("group-oscore-02");
  hall.kdc.run((rows) => {
    const key = inGroup(GROUP, uintBytes(2));
    const credential = new Uint8Array(31);
    members.put(rows, key, { ...members.need(rows, key), credential });
  });
  hall.look();
  equal(hall.listener.of(GROUP), undefined);
});

test("a sender with another public key is known by that one", () => {
  const hall = spoken("group-oscore-02");
  hall.listener.hear(hall.said(1, 20, { signer: 9 }));
  hall.kdc.run((rows) => {
    const key = inGroup(GROUP, uintBytes(1));
    const { credential } = hall.member(9);
    members.put(rows, key, { ...members.need(rows, key), credential });
  });
  hall.look();
  equal(hall.numbers, [20], "said when it was not known here yet");
});

test("a sender who is gone is not told of", () => {
  const hall = spoken("lowlatency");
  hall.kdc.run((rows) => leave(rows, hall.kdc.center, GROUP, uintBytes(1)));
  equal(
    hall.kdc.run((rows) => numbersOf(rows, GROUP, hall.listener)),
    [],
  );
});

test("numbers are written down when they are told, not with every press", () => {
  const hall = spoken("lowlatency");
  const kept = () => hall.kdc.run((rows) => rows.keys("heard", "").length);
  equal(kept(), 0);
  new Late(hall, 3, SENDERS).join();
  equal(kept(), 1);
});

test("dtls-record: what looks old in one session may be another's, or of another key", () => {
  const hall = spoken("dtls-record");
  joins(hall.kdc, 3, REQUESTER);
  hall.listener.hear(hall.said(3, 1));
  equal(hall.listener.of(GROUP)?.waits, true);
  hall.look();
  equal(hall.numbers, [7, 1]);
});
