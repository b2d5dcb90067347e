/** An authority's page in a browser: devices are placed, moved and lost there, and it is kept. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Page } from "playwright-core";
import { Authority } from "../../hosts/authority/authority.js";
import { State } from "../../hosts/authority/state.js";
import { Chromium, DESK, PHONE, Watched } from "../support/browser.js";
import { Desk, euiOf, shipped } from "../support/lumicast.js";
import { Programs, type Ran } from "../support/running.js";
import { secretsOf } from "../support/secrets.js";
import { lacks } from "../support/skip.js";

const PASSWORD = "correct horse battery";
/** A picture of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg",
  "base64",
);
const desk = new Desk();
const programs = new Programs();
const chromium = new Chromium();
const state = ["--state", desk.path("hall")];
after(async () => {
  await chromium.close();
  desk.remove();
});

async function hall(): Promise<{ running: Ran; url: string }> {
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("device", "add", "--from", desk.secret("lamps.json", shipped(3)), ...state);
  for (const [name, number] of [
    ["hall", 1],
    ["lobby", 2],
  ] as const) {
    await desk.json("group", "create", name, "--address", `ff35::4c:${number}`, ...state);
  }
  await desk.json("group", "add", "hall", "lamp-1", "lamp-2", "--role", "receiver", ...state);
  const file = desk.secret("password", PASSWORD);
  await desk.json("authority", "web-password", "--passphrase-file", file, ...state);
  return started();
}

async function started(): Promise<{ running: Ran; url: string }> {
  const running = await programs.start([...state, "--web", "0"]);
  const [, url] = /page: (\S+)/.exec(running.said()) ?? [];
  return { running, url: url ?? "" };
}

async function login(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

const spot = (page: Page, number: number) => page.locator(`#spot-${euiOf(number)}`);
const placeOf = async (page: Page, number: number) =>
  /translate\((\S+) (\S+)\)/.exec((await spot(page, number).getAttribute("transform")) ?? "");

async function drag(page: Page, number: number, by: { x: number; y: number }): Promise<void> {
  const box = await spot(page, number).boundingBox();
  assert.ok(box);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + by.x / 2, y + by.y / 2);
  await page.mouse.move(x + by.x, y + by.y);
  await page.mouse.up();
  await page.getByText("hangs there now").waitFor();
}

test("devices are placed by drag and by key, moved and lost, and a restart changes nothing", {
  skip: lacks("Chromium"),
  timeout: 180_000,
}, async () => {
  const { running, url } = await hall();
  const page = await (await chromium.context(DESK)).newPage();
  const watched = new Watched(page, url);
  const heard: string[] = [];
  page.on("response", (response) => {
    if (!response.url().endsWith("/events")) void response.text().then((text) => heard.push(text));
  });
  await login(page, url);
  await page.getByText("not placed yet").waitFor();

  await page.getByRole("button", { name: "Move devices" }).click();
  await drag(page, 1, { x: 60, y: -90 });
  await spot(page, 2).focus();
  for (let times = 0; times < 4; times++) await page.keyboard.press("ArrowUp");
  await page.getByText("lamp-2 hangs there now").waitFor();
  await page.getByRole("button", { name: "Done moving" }).click();
  const before = [await placeOf(page, 1), await placeOf(page, 2)].map((match) => match?.[0]);

  await spot(page, 2).press("Enter");
  const sheet = page.getByRole("dialog", { name: "lamp-2" });
  await sheet.getByLabel("into").selectOption("lobby");
  await sheet.getByRole("button", { name: "Move" }).click();
  await sheet.getByText("lamp-2 is out of hall").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".row", { hasText: "lamp-3" }).click();
  await page.getByRole("button", { name: "Report it lost" }).click();
  await page.getByRole("button", { name: "Yes, it is lost" }).click();
  await page.locator(".row .badge", { hasText: "lost" }).waitFor();
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Groups" }).click();
  const chooser = { name: "floor.png", mimeType: "image/png", buffer: PIXEL };
  await page.getByLabel("PNG or JPEG").setInputFiles(chooser);
  await page.getByRole("button", { name: "Put it under the plan" }).click();
  await page.locator(".ground image").waitFor({ state: "attached" });
  assert.deepEqual(watched.faults, []);
  const all = [...heard, ...(await heldBy(page))].join("\n");

  await programs.kill(running);
  await quiet(all);
  const again = await started();
  const phone = await (await chromium.context(PHONE)).newPage();
  await login(phone, again.url);
  await phone.getByRole("button", { name: "Plan" }).click();
  await phone.locator(".ground image").waitFor();
  for (const name of ["Plan", "Devices", "Groups", "Events"]) {
    await phone.getByRole("navigation").getByRole("button", { name }).click();
    const beyond = await phone.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.equal(beyond, 0, name);
  }
  const after = [await placeOf(phone, 1), await placeOf(phone, 2)].map((match) => match?.[0]);
  assert.deepEqual(after, before);
});

/** All that the page has: what it shows, what is typed, what is stored, what it was told. */
async function heldBy(page: Page): Promise<string[]> {
  const held = await page.evaluate(`JSON.stringify([document.documentElement.outerHTML,
    [...document.querySelectorAll("input")].map((input) => input.value),
    { ...localStorage }, { ...sessionStorage }, document.cookie])`);
  const told = await page.evaluate(`new Promise((resolve) => {
    const source = new EventSource("/api/events");
    source.addEventListener("site", ({ data }) => { source.close(); resolve(data); });
  })`);
  assert.match(String(told), /lamp-1/);
  return [String(held), String(told)];
}

async function quiet(all: string): Promise<void> {
  const authority = await Authority.open(new State(desk.path("hall")));
  const secrets = await secretsOf(authority).finally(() => authority.close());
  const seen = all.toLowerCase();
  for (const { what, forms } of secrets) {
    for (const form of forms) assert.ok(!seen.includes(form.toLowerCase()), what);
  }
  assert.ok(!seen.includes(PASSWORD));
}
