/** An authority's page: what is done there is done in the ledger, and nothing secret comes out. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Authority } from "../../hosts/authority/authority.js";
import { listDevices, showDevice } from "../../hosts/authority/devices.js";
import type { Ears } from "../../hosts/authority/ears.js";
import { openAuthorityPage } from "../../hosts/authority/page.js";
import { State } from "../../hosts/authority/state.js";
import { readLog } from "../../hosts/authority/tokens.js";
import { LastWords } from "../../hosts/authority/words.js";
import type { Running } from "../../hosts/authority/works.js";
import type { Site } from "../../hosts/web/site.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { POST, URI_PATH } from "../../modules/coap/options.js";
import { type Command, encodeCommand } from "../../modules/lighting/command.js";
import { ask, cookieOf, post } from "../support/asking.js";
import { Desk, euiOf, shipped } from "../support/lumicast.js";
import { secretsOf } from "../support/secrets.js";

const PASSWORD = "correct horse battery";
const desk = new Desk();
const state = ["--state", desk.path("hall")];
const words = new LastWords();
const ears: Pick<Ears, "onSaid"> = { onSaid: undefined };
/** All that ever came from the page's server, headers and all. */
const answers: string[] = [];
let authority: Authority;
let page: { close(): Promise<void> };
let web: { url: string };
let cookie: string;

before(async () => {
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("device", "add", "--from", desk.secret("lamps.json", shipped(3)), ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::4c:1", ...state);
  await desk.json("group", "create", "lobby", "--address", "ff35::4c:2", ...state);
  await desk.json("group", "add", "hall", "lamp-1", "lamp-2", "--role", "receiver", ...state);
  const file = desk.secret("password", PASSWORD);
  await desk.json("authority", "web-password", "--passphrase-file", file, ...state);
  authority = await Authority.open(new State(desk.path("hall")));
  page = await openAuthorityPage(authority, {
    ...{ at: { address: "127.0.0.1", port: 0 }, isOpen: false },
    ...{ running: idle(), words, ears },
    say: (line: string) => void answers.push(line),
  });
  web = { url: answers[0].replace("page: ", "") };
  cookie = await cookieOf(web, PASSWORD);
});
after(async () => {
  await page.close();
  await authority.close();
  desk.remove();
});

async function read(path: string): Promise<string> {
  const { text, headers } = await ask(web, path, { headers: { cookie } });
  answers.push(text, JSON.stringify(headers));
  return text;
}

async function act(name: string, body: object): Promise<number> {
  const { text, status } = await post(web, `/api/do/${name}`, body, cookie);
  answers.push(text);
  return status;
}

async function site(): Promise<Site> {
  const [, data = ""] = /data: (.*)/.exec(await read("/api/events")) ?? [];
  return JSON.parse(data).site as Site;
}

test("what is done at the page is in the ledger, in its log, and seen", async () => {
  assert.equal(await act("place", { device: euiOf(1), x: 2.5, y: -1 }), 200);
  assert.equal(await act("move", { device: euiOf(2), from: "1", to: "2" }), 200);
  assert.equal(await act("rekey", { group: "1" }), 200);
  assert.equal(await act("lost", { device: euiOf(3) }), 200);
  assert.equal(await act("lost", { device: euiOf(3) }), 422);
  assert.equal(await act("rename", { device: euiOf(2), name: "desk" }), 200);
  assert.equal(await act("rename", { device: euiOf(2), name: "lamp-1" }), 422);
  assert.equal(await act("place", { device: "nobody", x: 0, y: 0 }), 422);
  const { devices, groups } = await site();
  assert.deepEqual([devices[euiOf(1)].x, devices[euiOf(1)].y], [2.5, -1]);
  assert.deepEqual([devices[euiOf(2)].groups, devices[euiOf(2)].name], [["2"], "desk"]);
  assert.equal(devices[euiOf(3)].isLost, true);
  assert.equal(groups["1"].key, 1);
  const log = JSON.stringify(await readLog(authority, { last: 20 }));
  assert.match(log, /device 0000000000000001 hangs at 2.5 -1/);
});

test("what a switch says is shown once, with who said it and what", async () => {
  const { clientId } = await showDevice(authority, { device: "lamp-1" });
  const say = (command: Command, path = "l") => {
    const options = [{ number: URI_PATH, value: new TextEncoder().encode(path) }];
    const inner = { code: POST, options, payload: encodeCommand(command) };
    ears.onSaid?.({ clientId: fromHex(clientId), appGroup: 1, inner });
  };
  say({ level: 127 });
  // The same once more, a question, and another resource's.
  say({ level: 127, ageHundredths: 25 });
  say({ report: true });
  say({ level: 1 }, "idn");
  const { presses, groups, devices } = await site();
  assert.deepEqual(
    Object.values(presses).map(({ what, lamps, changed }) => [what, lamps, changed]),
    [["lamp-1: 50 %", 1, null]],
  );
  assert.equal(groups["1"].told, "lamp-1: 50 %");
  assert.ok((devices[euiOf(1)].heardAt ?? 0) > 0);
  const { touchedAt, heardAt } = devices[euiOf(1)];
  assert.ok(touchedAt !== null && heardAt !== null && touchedAt <= heardAt, "its row lights up");
  assert.ok((devices[euiOf(2)].touchedAt ?? 0) > 0, "it came into another group");
  assert.equal(devices[euiOf(3)].touchedAt, null);
  const { devices: list } = await listDevices(authority);
  words.onPressed(list[2].credential);
  assert.ok(((await site()).devices[euiOf(3)].touchedAt ?? 0) > 0, "its button was pressed");
});

test("no secret of the ledger is in any answer of the page", async () => {
  for (const path of ["/", "/page.js", "/page.css", "/api/visitor", "/api/events"]) {
    await read(path);
  }
  const secrets = await secretsOf(authority);
  for (const kind of ["signing key", "factory", "KEK", "key 0"]) {
    assert.ok(
      secrets.some(({ what }) => what.startsWith(kind)),
      kind,
    );
  }
  const all = answers.join("\n").toLowerCase();
  for (const { what, forms } of [...secrets, { what: "password", forms: [PASSWORD] }]) {
    for (const form of forms) assert.ok(!all.includes(form.toLowerCase()), what);
  }
});

/** A KDC without members that would hear of anything. */
function idle(): Running {
  return {
    at: "nowhere",
    deliver: async () => [],
    handOver: async () => [],
    notify: async () => [],
    changed: async () => {},
    hears: () => false,
    stop: () => {},
  };
}
