/** Blocks that are bound each to the one before, from end to end (`oscoap-00`). */
import { CON, NON } from "../../modules/coap/message.js";
import { addOption, BLOCK1, BLOCK2, GET, URI_PATH } from "../../modules/coap/options.js";
import { Chains } from "../../modules/groups/chains.js";
import type { Association } from "../../modules/groups/directory.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { oscoap00 } from "../../modules/profiles/oscoap-00.js";
import { equal, test } from "../harness.js";
import { memberEndpoint, pathOptions } from "../support/craft.js";
import { Guild, type GuildCraft } from "../support/guild.js";
import { Room } from "../support/rig.js";

const SWITCH = 1;
const LAMP = 20;
const GUILD = { profile: "oscoap-00", id: 5, members: [SWITCH, LAMP] };

/** A block of 16 bytes for /l, with more to come. */
function block(number: number, sequence: number, previousTag?: Uint8Array): GuildCraft {
  const options = [...pathOptions("l")];
  addOption(options, BLOCK1, Uint8Array.of(number * 16 + 8));
  const payload = new Uint8Array(16);
  const bound = previousTag === undefined ? {} : { previousTag };
  return { from: SWITCH, sequence, options, payload, ...bound };
}

function tagOf(datagram: Datagram): Uint8Array {
  const outer = new Outer();
  outer.scan(datagram.bytes);
  return oscoap00.tagOf?.(outer) as Uint8Array;
}

test("a lamp follows a chain of blocks, and loses it with one that it missed", () => {
  const room = new Room();
  const guild = new Guild(GUILD);
  const rights = [[SWITCH, guild.appGroup, 2]] as const;
  const lamp = room.luminaire(LAMP, { guilds: [guild], rights });
  const dropped = (datagram: Datagram) => {
    const outcome = lamp.device.receive(datagram);
    return !outcome.ok && outcome.drop === "forged";
  };
  const first = guild.craft(block(0, 1));
  const second = guild.craft(block(1, 2, tagOf(first)));
  const third = guild.craft(block(2, 3, tagOf(second)));
  equal(dropped(second), true, "before the first");
  equal(dropped(first), false);
  equal(dropped(third), true, "without the second");
  equal(dropped(guild.craft(block(1, 4, tagOf(third)))), true, "of another body");
  equal(dropped(second), false);
  equal(dropped(third), false);
  equal(dropped(guild.craft(block(0, 5))), false, "begun again");
  equal(dropped(guild.craft(block(3, 6, tagOf(third)))), true, "the old one is gone");
});

test("who asks for a block in the middle gets none, and the lamp goes on", () => {
  const room = new Room();
  const guild = new Guild(GUILD);
  const rights = [[SWITCH, guild.appGroup, 2]] as const;
  const lamp = room.luminaire(LAMP, { guilds: [guild], rights });
  const ask = (number: number, sequence: number, type = NON) => {
    const options = [...pathOptions(".well-known/core")];
    addOption(options, BLOCK2, Uint8Array.of(number * 16));
    const token = Uint8Array.of(sequence);
    const to = memberEndpoint(LAMP);
    const wish = { from: SWITCH, sequence, type, code: GET, options, token, to };
    const sent = room.net.sent.length;
    equal(lamp.device.receive(guild.craft(wish)).ok, true);
    return room.net.sent.slice(sent).map(({ bytes }) => bytes.length > 4);
  };
  equal(ask(1, 1), [], "silence");
  equal(ask(1, 2, CON), [false], "an empty acknowledgement");
  equal(ask(0, 3), [true]);
  equal(ask(1, 4), [true]);
});

/** A key of a scheme whose tag is the datagram's token. */
function key(tagOf?: (outer: Outer) => Uint8Array): Association {
  const profile = { tagOf };
  return { security: { profile } } as unknown as Association;
}

const answers = undefined;
const inner = { code: 2, options: [{ number: BLOCK1, value: Uint8Array.of(8) }] };
const ID = Uint8Array.of(1);

function datagram(token: number): Uint8Array {
  return Uint8Array.of(0x51, 2, 0, 0, token);
}

const tokenOf = ({ bytes }: Outer) => bytes.slice(4);

test("a chain is one sender's, under one key, asked for by one", () => {
  const chains = new Chains();
  const association = key(tokenOf);
  const made = { by: ID, answers, inner: { ...inner, payload: undefined } };
  chains.note(association, { ...made, datagram: datagram(7) });
  equal(chains.before(association, ID, undefined), Uint8Array.of(7));
  equal(chains.before(association, Uint8Array.of(2), undefined), undefined);
  equal(chains.before(association, ID, ID), undefined);
  equal(chains.before(key(tokenOf), ID, undefined), undefined);
  chains.note(association, { ...made, datagram: datagram(8) });
  equal(chains.before(association, ID, undefined), Uint8Array.of(8));
});

test("what is no block makes no chain, nor does a scheme without", () => {
  const chains = new Chains();
  const association = key(tokenOf);
  const whole = { code: 2, options: [{ number: URI_PATH, value: ID }], payload: undefined };
  chains.note(association, { by: ID, answers, inner: whole, datagram: datagram(7) });
  equal(chains.before(association, ID, undefined), undefined);
  const other = key();
  const made = { by: ID, answers, inner: { ...inner, payload: undefined } };
  chains.note(other, { ...made, datagram: datagram(7) });
  equal(chains.before(other, ID, undefined), undefined);
  // Block1 in an answer continues nothing: there it is Block2.
  chains.note(association, { ...made, answers: ID, datagram: datagram(7) });
  equal(chains.before(association, ID, ID), undefined);
});

test("four chains at once; the one heard of longest gives way", () => {
  const chains = new Chains();
  const association = key(tokenOf);
  for (const id of [1, 2, 3, 4, 1, 5]) {
    const made = { by: Uint8Array.of(id), answers, inner: { ...inner, payload: undefined } };
    chains.note(association, { ...made, datagram: datagram(id) });
  }
  const known = [1, 2, 3, 4, 5].filter(
    (id) => chains.before(association, Uint8Array.of(id), undefined) !== undefined,
  );
  equal(known, [1, 3, 4, 5]);
});
