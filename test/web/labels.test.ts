/** A sheet of labels in a browser, as it is printed: each QR code is read from the pixels. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { Chromium, DESK } from "../support/browser.js";
import { Desk } from "../support/lumicast.js";
import { decoded } from "../support/qr.js";
import { lacks } from "../support/skip.js";

/** The browser's own decoder of PNG. */
const PIXELS = `async function pixelsOf(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const { width, height } = image;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return { rgba: [...context.getImageData(0, 0, width, height).data], width };
}`;
const desk = new Desk();
const chromium = new Chromium();
after(async () => {
  await chromium.close();
  desk.remove();
});

test("each label of a sheet is read from a picture of it, and lies on its own", {
  skip: lacks("Chromium"),
}, async () => {
  await desk.json("labels", "make", "4", desk.path("batch"));
  const context = await chromium.context(DESK);
  const page = await context.newPage();
  await page.goto(`file://${desk.path("batch")}/labels.html`);
  const list = readFileSync(desk.path("batch/labels.txt"), "utf8").split("\n").slice(1, -1);
  const texts = list.map((line) => line.split(" ")[0]);
  const other = await context.newPage();
  await other.addScriptTag({ content: PIXELS });
  const figures = await page.locator("figure").all();
  assert.equal(figures.length, texts.length);
  for (const [at, figure] of figures.entries()) {
    const png = (await figure.screenshot()).toString("base64");
    const picture = await other.evaluate<{ rgba: number[]; width: number }>(
      `pixelsOf("data:image/png;base64,${png}")`,
    );
    assert.equal(decoded(Uint8ClampedArray.from(picture.rgba), picture.width), texts[at]);
  }
});
