/** What a switch says of the room that it hands over, and what of it is entered. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Authority } from "../../hosts/authority/authority.js";
import { State } from "../../hosts/authority/state.js";
import { enterRoom, type Listed, listedIn } from "../../hosts/authority/take-over-list.js";
import { encode } from "../../modules/cbor/encode.js";
import { Desk, shipped } from "../support/lumicast.js";

const desk = new Desk();
after(() => desk.remove());

const bytes = (count: number, fill: number) => new Uint8Array(count).fill(fill);
const GROUP = Uint8Array.of(0xff, 0x15, ...bytes(14, 3));

/** One entry of the list; `more` of its rights in the group. */
function said({ level = 2, roles = 2, number = 1, clientId = 7, address = GROUP } = {}) {
  const granted = [[number, "room", number, address, 5683, level, roles]];
  const used = [[number, bytes(1, 1), 4]];
  const ids = [bytes(8, 0xe1), "lamp", bytes(16, 5), bytes(16, 6), Uint8Array.of(clientId)];
  return encode([[...ids, 1, 1000, used, granted]]);
}

const roomOf = (payload: Uint8Array) => listedIn(payload) as Listed[];

async function opened(name: string): Promise<{ authority: Authority; state: string[] }> {
  const state = ["--state", desk.path(name)];
  await desk.json("authority", "init", "--domain", "house", ...state);
  return { authority: await Authority.open(new State(desk.path(name))), state };
}

function enter(authority: Authority, payload: Uint8Array, name?: string): Promise<void> {
  const room = roomOf(payload);
  return authority.decide("test", (rows) => enterRoom(authority, rows, { room, name }));
}

test("a list that asks for more than a room gives is none", () => {
  assert.equal(roomOf(said()).length, 1);
  assert.equal(listedIn(said({ level: 3 })), undefined);
  assert.equal(listedIn(said({ roles: 4 })), undefined);
  assert.equal(listedIn(said({ address: bytes(16, 0xfd) })), undefined);
  assert.equal(listedIn(encode([[1, 2, 3]])), undefined);
  assert.equal(listedIn(bytes(3, 0xff)), undefined);
});

test("a room is entered once, however often", async () => {
  const { authority, state } = await opened("twice");
  await enter(authority, said(), "kitchen");
  await enter(authority, said(), "kitchen");
  await authority.close();
  const { devices } = await desk.json<{ devices: { name: string; clientId: string }[] }>(
    ...["device", "list", ...state],
  );
  assert.deepEqual(
    devices.map(({ name, clientId }) => [name, clientId]),
    [["lamp", "07"]],
  );
  const { groups } = await desk.json<{ groups: { name: string; devices: number }[] }>(
    ...["group", "list", ...state],
  );
  assert.deepEqual(
    groups.map(({ name, devices: count }) => [name, count]),
    [["kitchen", 1]],
  );
});

test("what is somebody's here stays his", async () => {
  const { authority, state } = await opened("taken");
  await authority.close();
  const known = JSON.parse(shipped(1)) as { eui64: string; name: string; psk: string }[];
  const others = [...known, { ...known[0], eui64: "e1e1e1e1e1e1e1e1", name: "mine" }];
  const file = desk.secret("two.json", JSON.stringify(others));
  await desk.json("device", "add", "--from", file, ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::4c:1", "--number", "5", ...state);
  const again = await Authority.open(new State(desk.path("taken")));
  await assert.rejects(enter(again, said()), /e1e1e1e1e1e1e1e1 is mine here/);
  await assert.rejects(enter(again, said({ number: 5 })), /number 5, which is hall here/);
  await again.close();
  const { groups } = await desk.json<{ groups: unknown[] }>("group", "list", ...state);
  assert.equal(groups.length, 1, "nothing is left of what failed");
});

test("a client id that is somebody else's here ends it, with what to do", async () => {
  const { authority, state } = await opened("ids");
  await authority.close();
  await desk.json("device", "add", "--from", desk.secret("one.json", shipped(1)), ...state);
  const again = await Authority.open(new State(desk.path("ids")));
  await assert.rejects(enter(again, said({ clientId: 1 })), (error: Error & { next?: string }) => {
    return /client 01/.test(error.message) && /authority that is new/.test(error.next ?? "");
  });
  await again.close();
});
