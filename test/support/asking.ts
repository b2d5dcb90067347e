/** Asks a page's server as no browser would: with any Host and Origin, with a cookie or without. */
import assert from "node:assert/strict";
import { request } from "node:http";

type Where = { readonly url: string };

export interface Asked {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** fetch sets Origin and Host as it likes. */
export function ask(
  web: Where,
  path: string,
  { method = "GET", headers = {}, body = "" as string | Uint8Array } = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, web.url), { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        // A stream of events: what it begins with is enough.
        if (path === "/api/events" && text.includes("\n\n")) sent.destroy();
      });
      const end = () =>
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
      response.on("close", end);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

export function post(web: Where, path: string, body: object, cookie = ""): Promise<Asked> {
  const origin = web.url.slice(0, -1);
  const headers = { origin, "content-type": "application/json", cookie };
  return ask(web, path, { method: "POST", headers, body: JSON.stringify(body) });
}

export async function cookieOf(web: Where, secret: string): Promise<string> {
  const { headers, status } = await post(web, "/api/login", { secret });
  assert.equal(status, 200);
  const [cookie] = headers["set-cookie"] ?? [];
  assert.match(cookie, /; HttpOnly; SameSite=Strict$/);
  return cookie.split(";")[0];
}
