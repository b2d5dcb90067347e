/**
 * Bodies in blocks that are bound each to the one before (`oscoap-00`), between two devices: what a
 * switch reads from a lamp, and writes to it, over a net that loses, repeats and mixes up.
 */
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { blockValue } from "../../modules/coap/block.js";
import { CON, type Inner, type Option } from "../../modules/coap/message.js";
import * as o from "../../modules/coap/options.js";
import { Transfer } from "../../modules/coap/transfer.js";
import { question } from "../../modules/device/policy.js";
import type { AppGroup } from "../../modules/groups/directory.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { equal, test } from "../harness.js";
import { memberEndpoint, pathOptions } from "../support/craft.js";
import { guildOf, LAMP, lampIn, rightsIn, SWITCH, verdict } from "../support/lamps.js";
import type { Sent } from "../support/net.js";
import { Room } from "../support/rig.js";

const SECOND = 1_000_000;
/** Blocks of 16 and of 32 bytes. */
const SMALL = 0;
const WIDE = 1;

const READ: Inner = {
  code: o.GET,
  options: [
    ...pathOptions(".well-known/core"),
    { number: o.BLOCK2, value: blockValue({ number: 0, more: false, szx: WIDE }) },
  ],
  payload: undefined,
};

/** Says that it is off, at a level for later, in six blocks of 16 bytes. */
function write(level: number): Inner {
  const said = [
    '{"bn":"/3311/0/","n":"5850","vb":false}',
    `{"n":"5851","v":${level}}`,
    '{"n":"5537","v":0}',
  ];
  const options: Option[] = pathOptions("3311/0").slice();
  o.addUint(options, o.CONTENT_FORMAT, o.SENML_JSON);
  return { code: o.PUT, options, payload: utf8(`[${said.join(",")}]`) };
}

/** A switch and a lamp with one group. */
function pair() {
  const room = new Room();
  const guild = guildOf("oscoap-00");
  const lamp = lampIn(room, guild);
  const rights = rightsIn(guild);
  const wall = room.switch(SWITCH, { guilds: [guild], target: guild.appGroup, rights });
  const appGroup = wall.device.groups.directory.appGroup(guild.appGroup) as AppGroup;
  const to = memberEndpoint(LAMP);
  /** One block of `transfer`, confirmably; and the next ones when it was answered. */
  const goOn = (transfer: Transfer, told: (whole: Inner | string) => void): void => {
    const inner = transfer.next();
    const onAnswer = (answer: { readonly inner: Inner }) => {
      const whole = transfer.answered(answer.inner);
      if (whole === undefined) goOn(transfer, told);
      else told(whole.ok ? whole.value : whole.drop);
    };
    const waitMicros = 100 * SECOND;
    wall.device.endpoint.send({
      to,
      confirmable: true,
      make: (head) => question(wall.device, { appGroup, to, inner, head, waitMicros, onAnswer }),
      onFailed: () => told("nobody answers"),
    });
  };
  /** The whole answer to a request. */
  const ask = (request: Inner, szx: number): Inner | string | undefined => {
    let said: Inner | string | undefined;
    goOn(new Transfer(request, { bodyBytesMax: 4096, szx }), (whole) => {
      said = whole;
    });
    room.clock.advance(100 * SECOND);
    return said;
  };
  const isFrom = (number: number, sent: Sent) => sent.from.address[15] === number;
  /** What was sent by either, without empty messages. */
  const sentBy = (number: number) =>
    room.net.sent.filter((sent) => isFrom(number, sent) && sent.bytes.length > 4);
  const arrived = (sent: Sent): Datagram => ({ ...sent, bytes: sent.bytes.slice() });
  return { room, guild, lamp, wall, ask, sentBy, arrived, isFrom };
}

function textOf(said: Inner | string | undefined): string | undefined {
  if (typeof said !== "object" || said.payload === undefined) return String(said);
  return fromUtf8(said.payload);
}

function codeOf(said: Inner | string | undefined): string {
  return typeof said === "object" ? o.codeText(said.code) : String(said);
}

test("a long answer comes block by block, a long payload goes block by block", () => {
  const { ask, sentBy, lamp } = pair();
  const text = textOf(ask(READ, WIDE)) ?? "";
  equal([text.slice(0, 5), text.length > 3 * 32], ["</l>;", true]);
  const blocks = Math.ceil(text.length / 32);
  equal([sentBy(SWITCH).length, sentBy(LAMP).length], [blocks, blocks]);
  equal(codeOf(ask(write(40), SMALL)), "2.04");
  equal([lamp.level, lamp.device.bodies], [0, undefined]);
  equal(sentBy(SWITCH).length > blocks + 4, true, "in blocks");
});

test("a block that is lost, or its answer, is sent again as it was: the chain holds", () => {
  for (const [request, szx, code] of [
    [READ, WIDE, "2.05"],
    [write(40), SMALL, "2.04"],
  ] as const) {
    for (const loses of [SWITCH, LAMP]) {
      const { room, ask, isFrom } = pair();
      let count = 0;
      room.net.fate = (sent) => (isFrom(loses, sent) && ++count === 3 ? [] : [1000]);
      equal(codeOf(ask(request, szx)), code, `${code}: the third of ${loses} is lost`);
    }
  }
});

test("blocks that arrive twice, and later once more, change nothing", () => {
  const { room, ask, lamp, wall, sentBy, arrived } = pair();
  room.net.fate = () => [1000, 3000];
  const text = textOf(ask(READ, WIDE));
  equal(codeOf(ask(write(40), SMALL)), "2.04");
  equal(lamp.level, 0);
  room.net.fate = () => [1000];
  const marks = room.net.sent.length;
  for (const sent of sentBy(SWITCH).slice()) {
    const outcome = verdict(lamp, arrived(sent));
    equal(outcome === "replayed" || outcome === "duplicate", true, outcome);
  }
  for (const sent of sentBy(LAMP).slice()) {
    equal(verdict(wall, arrived(sent)) === "accepted", false);
  }
  equal(room.net.sent.length >= marks, true);
  equal(textOf(ask(READ, WIDE)), text, "and the next body comes as well");
});

test("a block of a payload is taken for no other chain's", () => {
  const { room, ask, lamp, sentBy, arrived, isFrom } = pair();
  // The first payload's second block is held back, and everything after it.
  let count = 0;
  room.net.fate = (sent) => (isFrom(SWITCH, sent) && ++count > 1 ? [] : [1000]);
  equal(codeOf(ask(write(40), SMALL)), "nobody answers");
  const [, held] = sentBy(SWITCH);
  const known = sentBy(SWITCH).length;
  // Another payload is begun, and gets no farther than its first block.
  count = 0;
  equal(codeOf(ask(write(99), SMALL)), "nobody answers");
  const own = sentBy(SWITCH)[known + 1];
  // Fresh, genuine, the right number, by the same member under the same key; of the other chain.
  equal(verdict(lamp, { ...arrived(held), bytes: renumbered(held, 999) }), "forged");
  equal(verdict(lamp, { ...arrived(own), bytes: renumbered(own, 998) }), "accepted");
  equal(lamp.level, 254);
});

test("a block that nobody heard yet belongs to its chain all the same", () => {
  const { room, guild, lamp } = pair();
  const [first, second] = [write(40), write(99)];
  const block = (inner: Inner, sequence: number, number: number, previousTag?: Uint8Array) => {
    const options = inner.options.slice();
    o.addOption(options, o.BLOCK1, blockValue({ number, more: true, szx: SMALL }));
    const payload = (inner.payload as Uint8Array).slice(16 * number, 16 * number + 16);
    const to = memberEndpoint(LAMP);
    const wish = { from: SWITCH, code: o.PUT, options, payload, to, type: CON };
    const bound = previousTag === undefined ? {} : { previousTag };
    return guild.craft({ ...wish, sequence, ...bound });
  };
  const a0 = block(first, 1, 0);
  const a1 = block(first, 5, 1, tagOf(a0));
  const b0 = block(second, 2, 0);
  const b1 = block(second, 6, 1, tagOf(b0));
  equal(verdict(lamp, a0), "accepted");
  equal(verdict(lamp, b0), "accepted", "begun anew");
  equal(verdict(lamp, a1), "forged", "moved from the chain before");
  equal(verdict(lamp, b1), "accepted");
  equal(verdict(lamp, block(second, 7, 2, tagOf(a1))), "forged", "bound to another one's tag");
  equal(verdict(lamp, block(second, 8, 2, tagOf(b1))), "accepted");
  equal(room.net.sent.length > 0, true);
});

test("a block of an answer is taken for no other chain's", () => {
  const { room, ask, wall, sentBy, isFrom } = pair();
  equal(codeOf(ask(READ, WIDE)), "2.05");
  const old = sentBy(LAMP)[1];
  const from = sentBy(SWITCH).length;
  // The same body again; its second block does not come, but the one of the chain before does.
  let count = 0;
  room.net.fate = (sent) => (isFrom(LAMP, sent) && ++count > 1 ? [] : [1000]);
  const verdicts: string[] = [];
  room.clock.after(SECOND, () => {
    const asks = sentBy(SWITCH)[from + 1];
    const own = sentBy(LAMP).at(-1) as Sent;
    // With the token and message id that the switch waits for.
    const moved = old.bytes.slice();
    moved.set(asks.bytes.subarray(2, 8), 2);
    for (const bytes of [moved, own.bytes]) {
      const arrived = { from: old.from, to: old.to, bytes, atMicros: 0 };
      verdicts.push(verdict(wall, arrived));
    }
  });
  ask(READ, WIDE);
  equal(verdicts, ["replayed", "accepted"]);
});

function tagOf(datagram: Datagram): Uint8Array {
  return datagram.bytes.slice(-8);
}

/** The same under another message id, which is no part of what is protected. */
function renumbered({ bytes }: Sent, mid: number): Uint8Array {
  const copy = bytes.slice();
  copy[2] = mid >> 8;
  copy[3] = mid;
  return copy;
}
