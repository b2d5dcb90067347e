/** Headless Chromium for a test, as a person's phone or desk has it. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { onPath } from "../../hosts/tools.js";

export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export const PHONE: Screen = { width: 360, height: 740, scheme: "light" };
export const DESK: Screen = { width: 1280, height: 800, scheme: "light" };

/** Not as root: the sandbox refuses that, and what it shows is ours. */
const ARGS = ["--no-sandbox"];

/** One a suite. */
export class Chromium {
  #browser: Browser | undefined;

  async context(screen: Screen): Promise<BrowserContext> {
    const executablePath = onPath("chromium") ?? "";
    this.#browser ??= await chromium.launch({ executablePath, args: ARGS });
    const { width, height, scheme } = screen;
    return this.#browser.newContext({ viewport: { width, height }, colorScheme: scheme });
  }

  async close(): Promise<void> {
    await this.#browser?.close();
  }
}

/** What a page did that it must not: errors, and requests to elsewhere; and what it transferred. */
export class Watched {
  readonly faults: string[] = [];
  bytes = 0;

  constructor(page: Page, origin: string) {
    page.on("pageerror", ({ message }) => this.faults.push(message));
    page.on("console", (message) => {
      // A refused log-in is said so by the browser, too.
      const isAnswer = /Failed to load resource/.test(message.text());
      if (message.type() === "error" && !isAnswer) this.faults.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(origin)) this.faults.push(`asked for ${request.url()}`);
    });
  }

  /** Counts from now on what comes over the network, headers included. */
  async count(page: Page): Promise<void> {
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    session.on("Network.dataReceived", ({ encodedDataLength, dataLength }) => {
      this.bytes += Math.max(encodedDataLength, dataLength);
    });
  }
}
