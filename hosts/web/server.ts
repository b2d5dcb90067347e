/**
 * The page's server. Rejected: WebSockets (a page only listens, and asks now and then) and a
 * framework that renders here (a phone's browser does it, from 30 KB). Choice: one page that is
 * static and holds nothing, one stream of events to whoever may look, one path for what is done.
 */
import type { IncomingMessage, Server } from "node:http";
import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { getCookie, setCookie } from "hono/cookie";
import { type Actions, actionFor, namesOf } from "./actions.js";
import type { Board } from "./board.js";
import { addressed, fromOurPage, sealed } from "./checks.js";
import { events } from "./events.js";
import { type Guard, SESSION_SECONDS } from "./guard.js";
import { type Asset, bundlePage } from "./page.js";
import type { Picture } from "./picture.js";
import type { Visitor } from "./site.js";

export interface WebParts {
  readonly board: Board;
  readonly actions: Actions;
  readonly guard: Guard;
  /** Whether those who are not in may look. */
  readonly isOpen: boolean;
  readonly picture?: Picture;
}

export interface WebAt {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface Web {
  /** "http://127.0.0.1:8780/" */
  readonly url: string;
  close(): Promise<void>;
}

type Env = { Bindings: { incoming: IncomingMessage } };
type Ask = Context<Env>;

const BODY_BYTES_MAX = 4096;
const CONNECTIONS_MAX = 256;
/** What people made wrong; the rest is ours. */
const WRONG = 422;

/** Throws an Error with a `code` where the port is not to be had. */
export async function openWeb(parts: WebParts, at: WebAt): Promise<Web> {
  const assets = bundlePage();
  let app: Hono<Env> | undefined;
  const server = serve({
    fetch: (request, env) => (app ?? new Hono<Env>()).fetch(request, env),
    hostname: at.address,
    port: at.port,
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve).once("error", reject);
  });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : at.port;
  app = appOf(parts, assets, `lumicast-${port}`);
  const host = at.address.includes(":") ? `[${at.address}]` : at.address;
  return { url: `http://${host}:${port}/`, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    // Streams of events end only so.
    server.closeAllConnections();
  });
}

function appOf(parts: WebParts, assets: ReadonlyMap<string, Asset>, cookie: string): Hono<Env> {
  const { board, guard, isOpen, actions } = parts;
  const app = new Hono<Env>();
  const tokenOf = (context: Ask) => getCookie(context, cookie);
  const isIn = (context: Ask) => guard.isIn(tokenOf(context));
  const mayLook = (context: Ask) => isOpen || isIn(context);
  app.use(sealed, addressed, fromOurPage);
  for (const [path, asset] of assets) app.get(path, (context) => given(context, asset));

  app.get("/api/visitor", (context) => {
    const visitor: Visitor = {
      ...{ isIn: isIn(context), mayLook: mayLook(context), asks: guard.asks },
      can: isIn(context) ? namesOf(actions) : [],
      now: Date.now(),
    };
    return uncached(context).json(visitor);
  });
  app.get("/api/events", (context) => {
    if (!mayLook(context)) return context.json({ error: "log in" }, 401);
    return events(context, board, () => mayLook(context));
  });

  app.use("/api/*", bodyLimit({ maxSize: BODY_BYTES_MAX }));
  app.post("/api/login", async (context) => {
    const { secret } = await bodyOf(context);
    const entry = await guard.enter(typeof secret === "string" ? secret : "", addressOf(context));
    if (!entry.ok) return context.json({ error: "wrong", waitMs: entry.waitMs }, 403);
    const terms = { httpOnly: true, sameSite: "Strict", path: "/" } as const;
    setCookie(context, cookie, entry.token, { ...terms, maxAge: SESSION_SECONDS });
    return context.json({});
  });
  app.post("/api/logout", (context) => {
    guard.leave(tokenOf(context) ?? "");
    setCookie(context, cookie, "", { path: "/", maxAge: 0 });
    return context.json({});
  });
  app.post("/api/do/:name", async (context) => {
    if (!isIn(context)) return context.json({ error: "log in first" }, 401);
    const action = actionFor(actions, context.req.param("name"), await bodyOf(context));
    if (action === undefined) return context.json({ error: "that cannot be done here" }, 404);
    return action().then(
      (done) => context.json(done),
      (error: unknown) => context.json({ error: (error as Error).message }, WRONG),
    );
  });
  parts.picture?.serve(app, { isIn, mayLook });
  return app;
}

function given(context: Ask, { type, text, tag }: Asset) {
  context.header("cache-control", "no-cache");
  context.header("etag", tag);
  if (context.req.header("if-none-match") === tag) return context.body(null, 304);
  return context.body(text, 200, { "content-type": type });
}

function uncached(context: Ask): Ask {
  context.header("cache-control", "no-store");
  return context;
}

async function bodyOf(context: Ask): Promise<Record<string, unknown>> {
  const body: unknown = await context.req.json().catch(() => undefined);
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}

function addressOf(context: Ask): string {
  return context.env.incoming.socket.remoteAddress ?? "";
}
