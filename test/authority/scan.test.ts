/** `lumicast scan` on a network of its own: lamps on XS, an authority, and a border router. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { lacksLan, testOnLan } from "../interop/lan.js";
import { Program } from "../interop/programs.js";
import { euiOf, Hall } from "../support/hall.js";
import { Programs } from "../support/running.js";

const test = testOnLan();
const programs = new Programs();
const ROUTER = "build/node/test/authority/router.js";
const skip = false;
let hall: Hall;

before(async () => {
  if (lacksLan === false) hall = await Hall.open(programs, 3);
});
after(() => hall?.close());

interface Announced {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly about: readonly string[];
}

interface Scanned {
  readonly fresh: readonly { readonly eui64: string; readonly role: string }[];
  readonly devices: readonly { readonly address: string; readonly name: string | null }[];
  readonly authorities: readonly Announced[];
  readonly borderRouters: readonly Announced[];
}

test("fresh ones, joined ones by name, the authority, and a border router of somebody else", {
  skip,
}, async () => {
  const lamp = await hall.pressed(20);
  const joined = await hall.join(hall.qrOf(20), "--name", "desk", "--group", "hall");
  assert.equal(joined.code, 0, JSON.stringify(joined.failure));
  await hall.pressed(21);
  const router = new Program(hall.lan.computer(3).command, process.execPath, ROUTER, "eth0");
  await router.line(/ready/);
  const found = await hall.desk.json<Scanned>("scan", ...hall.state);
  assert.deepEqual(found.fresh, [{ eui64: euiOf(21), role: "luminaire" }]);
  assert.deepEqual(found.devices, [{ address: hall.lan.address(2), name: "desk" }]);
  const [authority] = found.authorities;
  assert.deepEqual(
    [found.authorities.length, authority?.name, authority?.address, authority?.port],
    [1, "hall", hall.lan.address(1), 5684],
  );
  assert.match(authority.about.join(" "), /^role=both kid=[0-9a-f]+$/);
  assert.deepEqual(found.borderRouters, [
    { name: "Attic?", address: "fd00:6c75::aa", port: 49154, about: ["nn=Attic"] },
  ]);
  const told = await hall.run("scan", "--seconds", "6");
  assert.match(told.out, /authority +hall +\[fd00:6c75::1\]:5684/);
  lamp.stop();
});

test("no network, no scan", { skip }, async () => {
  const wrong = await hall.run("scan", "--interface", "none9");
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /none9 has no IPv6 address/);
});
