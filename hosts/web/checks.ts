/** What a request has to look like before it counts, and what every answer says about itself. */
import { isIP } from "node:net";
import type { Context, MiddlewareHandler } from "hono";

/** Nothing but what comes from here, and in nobody's frame. */
const POLICY = [
  "default-src 'self'",
  "img-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "geolocation=(), microphone=(), camera=()",
};

export const sealed: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) context.res.headers.set(name, value);
};

/**
 * A page of somebody else's whose name was made to mean this address (DNS rebinding) names itself
 * in Host: only names that nobody else can give are answered.
 */
export const addressed: MiddlewareHandler = async (context, next) => {
  const isOurs = isOwnName(context.req.header("host") ?? "");
  if (!isOurs) return context.text("ask for this page by its address", 421);
  return next();
};

function isOwnName(host: string): boolean {
  const name = host.replace(/:\d{1,5}$/, "");
  const isBracketed = name.startsWith("[") && name.endsWith("]");
  return name === "localhost" || isIP(isBracketed ? name.slice(1, -1) : name) !== 0;
}

/** What changes something is asked for by our own page, or by nobody's. */
export const fromOurPage: MiddlewareHandler = async (context, next) => {
  if (context.req.method === "GET") return next();
  const isOwn = isOwnOrigin(context);
  if (!isOwn) return context.json({ error: "asked by another page" }, 403);
  return next();
};

function isOwnOrigin({ req }: Context): boolean {
  return req.header("origin") === `http://${req.header("host")}`;
}
