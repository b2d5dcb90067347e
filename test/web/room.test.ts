/** A room of real firmware and its page in a real browser: a press there lights lamps there. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { Chromium, DESK, Watched } from "../support/browser.js";
import { lacks } from "../support/skip.js";

const chromium = new Chromium();
const program = join(ROOT, "build/node/hosts/room/main.js");
const args = [
  "--web",
  "0",
  "--luminaires",
  "4",
  "--switches",
  "1",
  "--sensors",
  "1",
  "--seed",
  "7",
];
const room = { child: undefined as ReturnType<typeof spawn> | undefined };
after(async () => {
  await chromium.close();
  room.child?.kill("SIGINT");
});

/** The page's address and the first code. */
function started(): Promise<{ url: string; code: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  room.child = child;
  let said = "";
  return new Promise((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const [, url] = /page: (\S+)/.exec(said) ?? [];
      const [, code] = /code to log in: (\S+)/.exec(said) ?? [];
      if (url !== undefined && code !== undefined) resolve({ url, code });
    });
    child.on("close", (status) => reject(new Error(`ended with ${status}: ${said}`)));
  });
}

test("a press at the page lights the room, and new keys reach all", {
  skip: lacks("Chromium"),
  timeout: 180_000,
}, async () => {
  const { url, code } = await started();
  const page = await (await chromium.context(DESK)).newPage();
  const watched = new Watched(page, url);
  await page.goto(url);
  await page.getByLabel("Code").fill("0000-0000");
  await page.locator("form.login button").click();
  await page.getByText("That was not it.").waitFor();
  await page.getByLabel("Code").fill(code);
  await page.keyboard.press("Enter");
  await page.getByText("4 s ago").or(page.getByText("just now")).first().waitFor();

  // With their keys and rights, which they get over DTLS as in any room.
  await page.locator(".row .keys", { hasText: "key 1" }).nth(5).waitFor();
  await page.locator(".notice").waitFor({ state: "detached" });
  // The plan's mark, by keyboard alone.
  await page.locator("[id^=spot-]", { hasText: "switch-1" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Press it" }).press("Enter");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Events" }).click();
  await page.locator(".press", { hasText: "4 of 4 lamps" }).waitFor();
  assert.equal(await page.locator(".spot .mark.lit").count(), 4);
  assert.match((await page.locator(".press").first().textContent()) ?? "", /last \d+(\.\d)? ms/);

  await page.getByRole("button", { name: "Groups" }).click();
  await page.getByRole("button", { name: "Renew the key" }).click();
  await page.getByRole("button", { name: "Yes, renew it" }).click();
  await page.getByRole("button", { name: "Events" }).click();
  await page.locator(".rekeys li", { hasText: "6 of 6, over" }).waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Devices", exact: true }).click();
  assert.equal(await page.locator(".row .keys", { hasText: "key 2" }).count(), 6);
  assert.deepEqual(watched.faults, []);
});
