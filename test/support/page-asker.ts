/**
 * Asks an authority's page from the computer that it runs on: no other one reaches it.
 *
 *   page-asker.js URL PASSWORD    then, line by line on standard input:
 *     do NAME JSON                prints `answer STATUS and its text`
 *     site                        prints `site JSON`: what the page shows
 */
import { createInterface } from "node:readline";
import { ask, cookieOf, post } from "./asking.js";

const [url, password] = process.argv.slice(2);
const web = { url };
const cookie = await cookieOf(web, password);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [, name, body] = /^do (\S+) (.*)$/.exec(line) ?? [];
  if (name === undefined) {
    const { text } = await ask(web, "/api/events", { headers: { cookie } });
    const [, data = ""] = /data: (.*)/.exec(text) ?? [];
    console.log(`site ${JSON.stringify(JSON.parse(data).site)}`);
  } else {
    const { status, text } = await post(web, `/api/do/${name}`, JSON.parse(body), cookie);
    console.log(`answer ${status} ${text}`);
  }
}
