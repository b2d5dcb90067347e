/** What a person does with devices that come: the window, the one that blinks, its name. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Actions } from "../../hosts/web/actions.js";
import { Board } from "../../hosts/web/board.js";
import { Guard } from "../../hosts/web/guard.js";
import { openWeb, type Web } from "../../hosts/web/server.js";
import { Chromium, PHONE, Watched } from "../support/browser.js";
import { euiOf } from "../support/lumicast.js";
import { lacks } from "../support/skip.js";

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
  // An authority that cannot report a loss shows no button for it.
  assert.equal(await page.getByRole("button", { name: "Report it lost" }).count(), 0);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Let devices join" }).waitFor();
  assert.deepEqual(done, [euiOf(9)]);
  assert.deepEqual(watched.faults, []);
});
