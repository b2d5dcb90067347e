/** The page's server without a browser: who may look, who may do, and what no answer says. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { after, test } from "node:test";
import type { Actions } from "../../hosts/web/actions.js";
import { Board } from "../../hosts/web/board.js";
import { Guard, SESSION_SECONDS } from "../../hosts/web/guard.js";
import { parseWebAt } from "../../hosts/web/open.js";
import { Codes, emitPassword, readPassword, type Secret } from "../../hosts/web/password.js";
import { Picture } from "../../hosts/web/picture.js";
import { openWeb } from "../../hosts/web/server.js";
import { type Change, merged, type Site } from "../../hosts/web/site.js";
import { ask, cookieOf, post } from "../support/asking.js";
import { Desk } from "../support/lumicast.js";

const desk = new Desk();
const opened: { close(): Promise<void> }[] = [];
after(async () => {
  for (const one of opened) await one.close();
  desk.remove();
});

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1);
const hall: Secret = { asks: "password", isRight: async (guess) => guess === "let me in" };

async function open(more: { isOpen?: boolean; actions?: Actions; guard?: Guard } = {}) {
  const board = new Board();
  const picture = new Picture(desk.path(`floor-${opened.length}`), () => {});
  const { isOpen = false, actions = {}, guard = new Guard(hall) } = more;
  const parts = { board, actions, guard, isOpen, picture };
  const web = await openWeb(parts, { address: "127.0.0.1", port: 0 });
  opened.push(web);
  return { web, board };
}

test("who is not in sees a page that says nothing, and no events", async () => {
  const { web } = await open();
  const page = await ask(web, "/");
  assert.equal(page.status, 200);
  assert.match(String(page.headers["content-security-policy"]), /^default-src 'self'; /);
  assert.equal((await ask(web, "/api/events")).status, 401);
  assert.equal((await ask(web, "/floor")).status, 404);
  const { isIn, mayLook, can } = JSON.parse((await ask(web, "/api/visitor")).text);
  assert.deepEqual({ isIn, mayLook, can }, { isIn: false, mayLook: false, can: [] });
  const cookie = await cookieOf(web, "let me in");
  const seen = await ask(web, "/api/events", { headers: { cookie } });
  assert.match(seen.text, /^event: site\ndata: \{"site":/);
});

test("--open-view: everybody looks, nobody does", async () => {
  const done: string[] = [];
  const lost = async ({ device }: { device: string }) => {
    done.push(device);
    return { lines: ["lost"] };
  };
  const { web } = await open({ isOpen: true, actions: { lost } });
  assert.equal((await ask(web, "/api/events")).status, 200);
  assert.equal((await post(web, "/api/do/lost", { device: "a" })).status, 401);
  assert.deepEqual(done, []);
  const cookie = await cookieOf(web, "let me in");
  assert.deepEqual(JSON.parse((await post(web, "/api/do/lost", { device: "a" }, cookie)).text), {
    lines: ["lost"],
  });
  assert.deepEqual(done, ["a"]);
  for (const [name, body] of [
    ["lost", {}],
    ["lost", { device: 7 }],
    ["rekey", { group: "1" }],
    ["toString", {}],
  ] as const) {
    assert.equal((await post(web, `/api/do/${name}`, body, cookie)).status, 404, name);
  }
  await post(web, "/api/logout", {}, cookie);
  assert.equal((await post(web, "/api/do/lost", { device: "b" }, cookie)).status, 401);
});

test("who has logged out is told nothing more", async () => {
  const { web, board } = await open();
  const cookie = await cookieOf(web, "let me in");
  let told = "";
  const ended = new Promise<void>((resolve, reject) => {
    const events = request(new URL("/api/events", web.url), { headers: { cookie } }, (response) => {
      response.setEncoding("utf8").on("data", (chunk: string) => {
        told += chunk;
      });
      response.on("end", resolve);
    });
    events.on("error", reject).end();
  });
  while (!told.includes("event: site")) await new Promise((resolve) => setTimeout(resolve, 10));
  board.put("facts", "site", { notice: "before" });
  while (!told.includes("before")) await new Promise((resolve) => setTimeout(resolve, 10));
  await post(web, "/api/logout", {}, cookie);
  board.put("facts", "site", { notice: "after" });
  await ended;
  assert.ok(!told.includes("after"));
});

test("a picture of the floor comes from who is in, and is one", async () => {
  const { web } = await open();
  const put = (body: Uint8Array, cookie: string, metres = "12.5") => {
    const headers = { origin: web.url.slice(0, -1), cookie };
    return ask(web, `/floor?metres=${metres}`, { method: "PUT", headers, body });
  };
  assert.equal((await put(PNG, "")).status, 401);
  const cookie = await cookieOf(web, "let me in");
  assert.equal((await put(new TextEncoder().encode("<svg onload=alert()>"), cookie)).status, 422);
  assert.equal((await put(PNG, cookie, "0")).status, 422);
  const long = await post(web, "/api/login", { secret: "x".repeat(5000) });
  assert.equal(long.status, 413);
  assert.equal((await put(PNG, cookie)).status, 200);
  const floor = await ask(web, "/floor", { headers: { cookie } });
  assert.equal(floor.headers["content-type"], "image/png");
  let told = {};
  new Picture(desk.path(`floor-${opened.length - 1}`), (shown) => {
    told = shown;
  });
  assert.deepEqual(Object.values(told)[1], 12.5);
});

test("a picture whose file is damaged is named, with what to do", () => {
  for (const [name, bytes] of [
    ["cut", Uint8Array.of(0, 0, 4)],
    ["other", new TextEncoder().encode("....<svg onload=alert()>")],
  ] as const) {
    const path = desk.path(`${name}-floor`);
    writeFileSync(path, bytes);
    assert.throws(() => new Picture(path, () => {}), /-floor: is damaged; delete it/);
  }
});

test("of a picture that a stranger sends nothing is taken in", async () => {
  const { web } = await open();
  const headers = { origin: web.url.slice(0, -1) };
  const status = await new Promise((resolve, reject) => {
    const sent = request(new URL("/floor", web.url), { method: "PUT", headers }, (response) => {
      resolve(response.statusCode);
      sent.destroy();
    });
    sent.on("error", reject);
    // The end of it never comes.
    sent.write(PNG);
  });
  assert.equal(status, 401);
});

test("a name that means this computer in somebody else's mouth is not answered", async () => {
  const { web } = await open({ isOpen: true });
  const { port } = new URL(web.url);
  const status = async (host: string) =>
    (await ask(web, "/api/visitor", { headers: { host } })).status;
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
    assert.equal(await status(host), 200, host);
  }
  for (const host of ["evil.example", `127.0.0.1.evil.example:${port}`]) {
    assert.equal(await status(host), 421, host);
  }
});

test("another page has nothing done here, cookie or not", async () => {
  const { web } = await open();
  const cookie = await cookieOf(web, "let me in");
  for (const origin of ["http://evil.example", "null", "http://127.0.0.1:1", undefined]) {
    const headers = { cookie, "content-type": "application/json", ...(origin && { origin }) };
    const { status } = await ask(web, "/api/logout", { method: "POST", headers, body: "{}" });
    assert.equal(status, 403, origin);
  }
});

test("guesses of one address are rationed", async () => {
  let now = 0;
  const guard = new Guard(hall, () => now);
  for (let guess = 0; guess < 4; guess++) {
    assert.deepEqual(await guard.enter("wrong", "a"), { ok: false, waitMs: 0 });
  }
  assert.deepEqual(await guard.enter("wrong", "a"), { ok: false, waitMs: 2000 });
  assert.deepEqual(await guard.enter("let me in", "a"), { ok: false, waitMs: 2000 });
  assert.equal((await guard.enter("let me in", "b")).ok, true);
  now += 2000;
  assert.equal((await guard.enter("let me in", "a")).ok, true);
});

test("guesses of all addresses together are rationed", async () => {
  let now = 0;
  const guard = new Guard(hall, () => now);
  for (let guess = 0; guess < 60; guess++) await guard.enter("wrong", `${guess}`);
  assert.deepEqual(await guard.enter("let me in", "new"), { ok: false, waitMs: 60_000 });
  now += 60_000;
  assert.equal((await guard.enter("let me in", "new")).ok, true);
});

test("a session ends with its time", async () => {
  let now = 0;
  const guard = new Guard(hall, () => now);
  const entry = await guard.enter("let me in", "a");
  assert.ok(entry.ok);
  assert.ok(guard.isIn(entry.token));
  assert.ok(!guard.isIn(`${entry.token}x`));
  assert.ok(!guard.isIn(undefined));
  now = SESSION_SECONDS * 1000;
  assert.ok(!guard.isIn(entry.token));
});

test("a code counts once, however it is typed", async () => {
  const told: string[] = [];
  const codes = new Codes((code) => told.push(code));
  const typed = told[0].toLowerCase().replace("-", " ").replaceAll("0", "o").replaceAll("1", "l");
  assert.equal(await codes.isRight("0000-0000"), false);
  assert.equal(await codes.isRight(typed), true);
  assert.equal(await codes.isRight(typed), false);
  assert.equal(told.length, 2);
  assert.equal(await codes.isRight(told[1]), true);
});

test("of a password only a hash is kept, and damage is told", async () => {
  const path = desk.secret("web", await emitPassword("correct horse"));
  assert.equal(await readPassword(path)?.isRight("correct horse"), true);
  assert.equal(await readPassword(path)?.isRight("correct hors"), false);
  assert.equal(readPassword(desk.path("none")), undefined);
  const damaged = desk.secret("damaged", "{}");
  assert.throws(() => readPassword(damaged), /set the password anew/);
});

test("where it listens", () => {
  assert.deepEqual(parseWebAt("8780"), { address: "127.0.0.1", port: 8780 });
  assert.deepEqual(parseWebAt("[::1]:0"), { address: "::1", port: 0 });
  assert.deepEqual(parseWebAt("192.0.2.7:80"), { address: "192.0.2.7", port: 80 });
  for (const wrong of ["", "a", "70000", "host:80"]) assert.equal(parseWebAt(wrong), undefined);
});

test("to who reads slowly, changes are one; what is gone is gone", async () => {
  const board = new Board();
  board.put("facts", "site", { name: "hall" });
  let seen: Site = board.site;
  const changes: Change[] = [];
  const end = board.watch((change) => {
    changes.push(change);
    seen = merged(seen, change);
  });
  board.put("drops", "forged", { reason: "forged", count: 1 });
  board.put("drops", "forged", { count: 2 });
  board.put("drops", "replayed", { reason: "replayed", count: 1 });
  board.remove("drops", "replayed");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(changes.length, 1);
  assert.deepEqual(seen, board.site);
  assert.deepEqual(Object.keys(seen.drops), ["forged"]);
  board.put("drops", "forged", { count: 2 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(changes.length, 1);
  end();
});
