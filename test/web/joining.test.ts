/** What a person does with devices that come: the window, the one that blinks, its name. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Page } from "playwright-core";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { ROOT } from "../../hosts/root.js";
import type { Actions } from "../../hosts/web/actions.js";
import { Board } from "../../hosts/web/board.js";
import { Guard } from "../../hosts/web/guard.js";
import { openWeb, type Web } from "../../hosts/web/server.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { labelCode } from "../../modules/commission/label.js";
import { Chromium, PHONE, Watched } from "../support/browser.js";
import { euiOf } from "../support/lumicast.js";
import { lacks } from "../support/skip.js";

/** To be looked at. */
const SHOTS = join(ROOT, "build/web");
const OPEN_MS = 180_000;
const chromium = new Chromium();
let web: Web | undefined;
after(async () => {
  await chromium.close();
  await web?.close();
});

/** An authority that lets devices join, as far as its page can tell. */
function authority(): { board: Board; actions: Actions; done: string[] } {
  const board = new Board();
  const done: string[] = [];
  board.put("facts", "site", {
    ...{ name: "hall", kind: "authority", openUntil: null, notice: "" },
    ...{ picture: null, pictureMetres: 20 },
  });
  const lamp = { id: euiOf(9), role: "luminaire" as const, failure: null };
  const entered = { ...lamp, name: "lamp-9", x: null, y: null, groups: [], keys: {}, level: null };
  const actions: Actions = {
    joinOpen: async () => {
      board.put("facts", "site", { openUntil: Date.now() + OPEN_MS });
      board.put("joins", lamp.id, { ...lamp, step: "it blinks", asks: true });
      return { lines: ["open"] };
    },
    joinClose: async () => {
      board.put("facts", "site", { openUntil: null });
      return { lines: ["closed"] };
    },
    joinConfirm: async ({ device }) => {
      board.remove("joins", device);
      const rest = {
        heardAt: Date.now(),
        isLost: false,
        isDark: false,
        pattern: null,
        touchedAt: null,
        drops: null,
      };
      board.put("devices", device, { ...entered, ...rest });
      return { lines: [`${device} is in`] };
    },
    identify: async ({ device }) => {
      done.push(device);
      return { lines: ["it blinks"] };
    },
    rename: async ({ device, name }) => {
      if (name === "taken") throw new Error("taken is the name of another");
      board.put("devices", device, { name });
      return { lines: [`it is ${name} now`] };
    },
  };
  return { board, actions, done };
}

/** What a page holds: what it shows, what is typed, where it is, what it keeps. */
async function heldBy(page: Page): Promise<string> {
  const held = await page.evaluate(`JSON.stringify([document.documentElement.outerHTML,
    [...document.querySelectorAll("input")].map((input) => input.value), location.href,
    { ...localStorage }, { ...sessionStorage }, document.cookie])`);
  return String(held);
}

test("a code is typed as it comes; a slip is told before it is sent; nothing keeps it", {
  skip: lacks("Chromium"),
  timeout: 60_000,
}, async () => {
  const crypto = new NodeCrypto();
  const code = labelCode(crypto, fromHex("c3a10f5e77d2496b8e1290bb34fd6ac8"));
  const { board, actions } = authority();
  const hall = { id: "1", name: "hall", profile: "lowlatency", key: 1 };
  board.put("groups", "1", { ...hall, waiting: 0, told: null, toldAt: null });
  const given: object[] = [];
  const joinCode: Actions["joinCode"] = async (args) => {
    given.push(args);
    board.put("joins", "begun-1", {
      ...{ id: "", role: "unknown", step: "find", asks: false },
      failure: "no fresh device is open here; press its button",
    });
    return { lines: ["it is being joined"] };
  };
  const guard = new Guard({ asks: "password", isRight: async (guess) => guess === "let me in" });
  const parts = { board, actions: { ...actions, joinCode }, guard, isOpen: false };
  const own = await openWeb(parts, { address: "127.0.0.1", port: 0 });
  const dark = { ...PHONE, scheme: "dark" } as const;
  const page = await (await chromium.context(dark)).newPage();
  const watched = new Watched(page, own.url);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(own.url);
  await page.getByLabel("Password").fill("let me in");
  await page.keyboard.press("Enter");
  const typed = page.getByLabel("Code on its label");
  const button = page.getByRole("button", { name: "Join it" });
  await typed.focus();
  // As fingers do it: small letters, letters for figures, no hyphens.
  const slip = code.toLowerCase().replaceAll("0", "o").replaceAll("1", "l").replaceAll("-", " ");
  const [first] = slip;
  await page.keyboard.type(slip.slice(0, 9));
  await page.getByText("8 of 28").waitFor();
  assert.equal(await button.isDisabled(), true);
  await typed.fill(`${first === "z" ? "y" : "z"}${slip.slice(1)}`);
  await page.getByText("a character is wrong; look at the label again").waitFor();
  assert.equal(await button.isDisabled(), true);
  await typed.fill(slip);
  await page.getByText("it reads well").waitFor();
  for (let times = 0; times < 2; times++) await page.keyboard.press("Tab");
  await page.keyboard.type("desk");
  await page.keyboard.press("Enter");
  await page.getByText("no fresh device is open here; press its button").waitFor();
  assert.deepEqual(given, [{ label: slip, name: "desk", group: "1" }]);
  assert.equal(await typed.inputValue(), "");
  const beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  assert.equal(beyond, 0);
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, "joining-360-dark.png"), fullPage: true });
  const all = [await heldBy(page), JSON.stringify(board.site), ...asked].join("\n").toUpperCase();
  const plain = code.replaceAll("-", "");
  for (const form of [code, plain, slip.toUpperCase(), plain.slice(0, 12)]) {
    assert.ok(!all.includes(form), form);
  }
  assert.deepEqual(watched.faults, []);
  await own.close();
});

test("a device joins in three actions, blinks, and gets a name", {
  skip: lacks("Chromium"),
  timeout: 60_000,
}, async () => {
  const { board, actions, done } = authority();
  const guard = new Guard({ asks: "password", isRight: async (guess) => guess === "let me in" });
  const parts = { board, actions, guard, isOpen: true };
  web = await openWeb(parts, { address: "127.0.0.1", port: 0 });
  const page = await (await chromium.context(PHONE)).newPage();
  const watched = new Watched(page, web.url);
  await page.goto(web.url);
  await page.getByText("0 of 0 devices").waitFor();
  assert.equal(await page.getByRole("button", { name: "Let devices join" }).count(), 0);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByLabel("Password").fill("let me in");
  await page.keyboard.press("Enter");

  await page.getByRole("button", { name: "Let devices join" }).click();
  await page.getByText(/Open for 1[78]\d s: press the button of the device now/).waitFor();
  await page.getByRole("button", { name: "It is the one that blinks" }).click();
  await page.locator(".row", { hasText: "lamp-9" }).click();
  await page.getByRole("button", { name: "Let it blink" }).click();
  const name = page.getByLabel("Name");
  for (const [typed, said] of [
    ["taken", "taken is the name of another"],
    ["desk", "it is desk now"],
  ]) {
    await name.fill(typed);
    await page.getByRole("button", { name: "Rename" }).click();
    await page.locator(".answer", { hasText: said }).waitFor();
  }
  await page.getByRole("heading", { name: "desk" }).waitFor();
  // Somebody presses its button, and its LED answers somebody else.
  board.put("devices", euiOf(9), { touchedAt: Date.now(), pattern: "identify" });
  await page.locator(".row.touched", { hasText: "this one, just now" }).waitFor();
  await page.locator(".row .says", { hasText: "identify: somebody asked which one" }).waitFor();
  await page.locator(".sheet dd", { hasText: "say yes where that was asked" }).waitFor();
  // An authority that cannot report a loss shows no button for it.
  assert.equal(await page.getByRole("button", { name: "Report it lost" }).count(), 0);
  await page.keyboard.press("Escape");
  await page.screenshot({ path: join(SHOTS, "joined-360-light.png"), fullPage: true });
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Let devices join" }).waitFor();
  assert.deepEqual(done, [euiOf(9)]);
  assert.deepEqual(watched.faults, []);
});
