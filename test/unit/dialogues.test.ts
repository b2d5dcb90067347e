import { toHex } from "../../modules/bytes/hex.js";
import { coapUint, uintBytes } from "../../modules/bytes/uint.js";
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { blockValue, findBlock } from "../../modules/coap/block.js";
import { CON, emitMessage, NON, type Option, parseMessage } from "../../modules/coap/message.js";
import * as o from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { Inner } from "../../modules/profiles/profile.js";
import { equal, test } from "../harness.js";
import {
  type Craft,
  craft,
  GROUP,
  memberEndpoint,
  OFF,
  ON,
  pathOptions,
} from "../support/craft.js";
import type { Sent } from "../support/net.js";
import { type Rig, Room } from "../support/rig.js";

const SECOND = 1_000_000;
const NO_FADE = { settings: [[0, 0] as const] };
const LAMP = 20;
const HERE = memberEndpoint(LAMP);
const TOKEN = Uint8Array.of(0x4a);

function option(number: number, value: Uint8Array): Option {
  return { number, value };
}

function observe(value: number): Option {
  return option(o.OBSERVE, coapUint(value));
}

/** Opens what the lamp sent to a request of client 1 with that sequence number. */
function opened(sent: Sent, sequence: number): Inner {
  const key = lowlatency.importKey(new TsCrypto(), {
    keyId: Uint8Array.of(7),
    raw: new Uint8Array(16).fill(0xa1),
    own: { id: Uint8Array.of(1), credential: new Uint8Array(0), signer: undefined },
    addresses: [],
  });
  const arrival = { outer: new Outer(), option: new OscoreOption(), to: sent.to };
  equal(arrival.outer.scan(sent.bytes), true);
  equal(lowlatency.identify(arrival, "response"), true);
  const request = { kid: Uint8Array.of(1), piv: uintBytes(sequence) };
  const work = new Workspace();
  const outcome = lowlatency.open(key, arrival, { appGroup: { id: 1 }, request, work });
  if (!outcome.ok) throw new Error(outcome.drop);
  return outcome.value;
}

/** A room with one lamp; `ask` sends it a protected unicast request and returns what it said. */
function lampRoom() {
  const room = new Room();
  const lamp = room.luminaire(LAMP, NO_FADE);
  const replies = () => room.net.sent.splice(0).filter(({ from }) => from.address[15] === LAMP);
  const ask = (wish: Craft) => {
    lamp.device.receive(craft({ to: HERE, token: TOKEN, type: CON, ...wish }));
    return replies();
  };
  return { room, lamp, ask, replies };
}

function watches(
  ask: (wish: Craft) => Sent[],
  sequence: number,
  more: Partial<Craft> = {},
): Sent[] {
  const options = [observe(0), ...(more.options ?? [])];
  const wish = { sequence, code: o.GET, path: "3311/0/5850", payload: undefined };
  return ask({ ...wish, ...more, options });
}

function saidText(inner: Inner): string | undefined {
  return inner.payload && fromUtf8(inner.payload);
}

test("a state is observed: the answer, the change, each protected with its own number", () => {
  const { room, lamp, ask, replies } = lampRoom();
  const [first] = watches(ask, 1);
  const answer = opened(first, 1);
  equal([answer.code, saidText(answer)], [o.CONTENT, "1"]);
  equal(o.findUint(answer.options, o.OBSERVE) !== undefined, true);
  room.clock.advance(SECOND);
  equal(replies(), []);
  lamp.device.receive(craft({ sequence: 2, payload: OFF }));
  room.clock.advance(SECOND);
  const [second, ...others] = replies();
  equal(others, []);
  const notified = parseMessage(second.bytes);
  equal(notified.ok && toHex(notified.value.token), "4a");
  const inner = opened(second, 1);
  equal([inner.code, saidText(inner)], [o.CONTENT, "0"]);
  const [a, b] = [answer, inner].map(({ options }) => o.findUint(options, o.OBSERVE) as number);
  equal(b > a, true);
  equal(toHex(second.bytes) === toHex(first.bytes), false);
});

test("who observes no more leaves nothing behind", () => {
  for (const end of ["deregister", "reset"]) {
    const { room, lamp, ask, replies } = lampRoom();
    room.clock.advance(5 * SECOND);
    const pending = room.clock.pending;
    watches(ask, 1);
    equal(lamp.device.observers?.size, 1);
    if (end === "reset") {
      lamp.device.receive(craft({ sequence: 2, payload: OFF }));
      room.clock.advance(SECOND);
      const [{ bytes }] = replies();
      const rst = Uint8Array.of(0x70, 0, bytes[2], bytes[3]);
      lamp.device.receive({ from: memberEndpoint(1), to: HERE, bytes: rst, atMicros: 0 });
    } else {
      const options = [observe(1)];
      const wish = { sequence: 3, code: o.GET, path: "3311/0/5850", payload: undefined, options };
      const answer = opened(ask(wish)[0], 3);
      equal(o.find(answer.options, o.OBSERVE), undefined);
    }
    room.clock.advance(5 * SECOND);
    equal([lamp.device.observers, lamp.device.endpoint.onReset], [undefined, undefined]);
    equal(room.clock.pending, pending);
  }
});

test("a right that is taken away ends the observation", () => {
  const { room, lamp, ask, replies } = lampRoom();
  watches(ask, 1);
  lamp.device.rights.revoke(Uint8Array.of(1));
  lamp.device.receive(craft({ sequence: 1, sender: 2, payload: OFF }));
  room.clock.advance(5 * SECOND);
  equal([replies(), lamp.level, lamp.device.observers], [[], 0, undefined]);
});

test("what does not report is not observed", () => {
  const { lamp, ask } = lampRoom();
  lamp.device.receive(craft({ sequence: 1, code: o.PUT, path: "scn/1", payload: undefined }));
  const [sent] = watches(ask, 2, { path: "scn/1" });
  const answer = opened(sent, 2);
  equal([answer.code, o.find(answer.options, o.OBSERVE)], [o.CONTENT, undefined]);
  equal(lamp.device.observers, undefined);
});

test("a fifth observer is answered, and told nothing more", () => {
  const { lamp, ask } = lampRoom();
  for (let client = 1; client <= 5; client++) {
    const sent = watches(ask, 1, { sender: client, from: memberEndpoint(client) });
    equal(sent.length, 1);
  }
  equal(lamp.device.observers?.size, 4);
});

test("a group GET is observed too: each luminaire answers within its leisure", () => {
  const { room, lamp, ask, replies } = lampRoom();
  equal(watches(ask, 1, { to: GROUP, type: NON }), []);
  room.clock.advance(5 * SECOND);
  const [late] = replies();
  equal(o.find(opened(late, 1).options, o.OBSERVE) !== undefined, true);
  lamp.device.receive(craft({ sequence: 2, payload: OFF }));
  room.clock.advance(5 * SECOND);
  equal(replies().length, 1);
});

/** Plain CoAP from somebody unknown; returns the messages it is answered by. */
function plain(rig: Rig, room: Room, options: readonly Option[], mid: number, code = o.GET) {
  const sorted = [...options].sort((a, b) => a.number - b.number);
  const head = { type: CON, code, mid, token: TOKEN } as const;
  const bytes = emitMessage({ ...head, options: sorted, payload: undefined });
  rig.device.receive({ from: memberEndpoint(99), to: HERE, bytes, atMicros: 0 });
  return room.net.sent.splice(0).map((sent) => {
    const parsed = parseMessage(sent.bytes);
    if (!parsed.ok) throw new Error(parsed.drop);
    return parsed.value;
  });
}

const CORE = pathOptions(".well-known/core");

test("discovery comes in the blocks that are asked for", () => {
  const { room, lamp } = lampRoom();
  const [whole] = plain(lamp, room, CORE, 1);
  const text = fromUtf8(whole.payload as Uint8Array) as string;
  equal(text.startsWith("</l>;"), true);
  let read = "";
  for (let number = 0; ; number++) {
    // One a second is what anybody gets.
    room.clock.advance(SECOND);
    const block = option(o.BLOCK2, blockValue({ number, more: false, szx: 1 }));
    const [answer] = plain(lamp, room, [...CORE, block], 2 + number);
    equal(answer.code, o.CONTENT);
    const found = findBlock(answer.options, o.BLOCK2);
    if (found?.ok !== true) throw new Error("no block");
    equal([found.value.number, found.value.szx], [number, 1]);
    read += fromUtf8(answer.payload as Uint8Array);
    if (!found.value.more) break;
  }
  equal(read, text);
});

test("a block behind the end, and a block of size 7, are bad requests", () => {
  const { room, lamp } = lampRoom();
  const behind = option(o.BLOCK2, blockValue({ number: 99, more: false, szx: 4 }));
  equal(plain(lamp, room, [...CORE, behind], 1)[0].code, o.BAD_REQUEST);
  equal(plain(lamp, room, [...CORE, option(o.BLOCK2, Uint8Array.of(7))], 2)[0].code, o.BAD_REQUEST);
});

test("a block option twice is not understood", () => {
  const { room, lamp } = lampRoom();
  const block = option(o.BLOCK2, Uint8Array.of(4));
  equal(plain(lamp, room, [...CORE, block, block], 1)[0].code, o.BAD_OPTION);
});

test("nobody can begin a body with a GET", () => {
  const { room, lamp } = lampRoom();
  const block = option(o.BLOCK1, Uint8Array.of());
  equal(plain(lamp, room, [...CORE, block], 1)[0].code, o.BAD_OPTION);
  equal(lamp.device.bodies, undefined);
});

/** One block of a scene, protected. */
function block1(number: number, more: boolean, payload: Uint8Array): Partial<Craft> {
  const value = blockValue({ number, more, szx: 0 });
  return { code: o.PUT, path: "scn/5", payload, options: [option(o.BLOCK1, value)] };
}

test("a payload in blocks is one request", () => {
  const { lamp, ask } = lampRoom();
  const format = option(o.CONTENT_FORMAT, Uint8Array.of(o.SENML_JSON));
  const body = utf8('[{"bn":"/3311/0/","n":"5850","vb":false}]');
  const answers: string[] = [];
  for (let at = 0, number = 0; at < body.length; at += 16, number++) {
    const wish = block1(number, at + 16 < body.length, body.slice(at, at + 16));
    const options = [...(wish.options ?? []), format];
    const [sent] = ask({ ...wish, path: "3311/0", sequence: number + 1, options });
    const answer = opened(sent, number + 1);
    answers.push(`${o.codeText(answer.code)} ${toHex(o.find(answer.options, o.BLOCK1)!)}`);
  }
  equal(answers, ["2.31 08", "2.31 18", "2.04 20"]);
  equal([lamp.level, lamp.device.bodies], [0, undefined]);
});

test("a block out of order makes its sender begin again", () => {
  const { lamp, ask } = lampRoom();
  const [sent] = ask({ sequence: 1, ...block1(1, true, new Uint8Array(16)) });
  equal(opened(sent, 1).code, o.REQUEST_ENTITY_INCOMPLETE);
  equal(lamp.device.bodies, undefined);
});

test("a group request brings no body in blocks", () => {
  const { room, lamp, ask } = lampRoom();
  ask({ sequence: 1, ...block1(0, true, new Uint8Array(16)), to: GROUP, type: NON });
  room.clock.advance(6 * SECOND);
  equal(lamp.device.bodies, undefined);
});

test("a light command among blocks is obeyed as ever", () => {
  const { lamp, ask } = lampRoom();
  ask({ sequence: 1, ...block1(0, true, new Uint8Array(16)) });
  lamp.device.receive(craft({ sequence: 2, payload: OFF }));
  equal(lamp.level, 0);
  lamp.device.receive(craft({ sequence: 3, payload: ON }));
  equal(lamp.level, 254);
});
