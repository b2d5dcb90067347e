/** The page itself, bundled when the server starts: small files, none with anything secret. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { ROOT } from "../root.js";

export interface Asset {
  readonly type: string;
  readonly text: string;
  /** RFC 9110 §8.8.3 */
  readonly tag: string;
}

const FOLDER = join(ROOT, "hosts/web/page");

/** By path. */
export function bundlePage(): ReadonlyMap<string, Asset> {
  const { outputFiles } = buildSync({
    entryPoints: [join(FOLDER, "main.tsx"), join(FOLDER, "style.css")],
    outdir: "/",
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
  });
  const textOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text;
  const read = (name: string) => readFileSync(join(FOLDER, name), "utf8");
  return new Map([
    ["/", asset("text/html; charset=utf-8", read("index.html"))],
    ["/page.js", asset("text/javascript; charset=utf-8", textOf(".js") ?? "")],
    ["/page.css", asset("text/css; charset=utf-8", textOf(".css") ?? "")],
    ["/icon.svg", asset("image/svg+xml", read("icon.svg"))],
  ]);
}

function asset(type: string, text: string): Asset {
  const digest = createHash("sha256").update(text).digest("base64url");
  return { type, text, tag: `"${digest}"` };
}
