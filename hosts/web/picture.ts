/** A picture of the floor, as somebody uploaded it: kept in a file, shown under the devices. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";

type Env = { Bindings: { incoming: IncomingMessage } };
type Allowed = (context: Context<Env>) => boolean;

const BYTES_MAX = 4 * 1024 * 1024;
const METRES_MAX = 10_000;
const METRES_DEFAULT = 20;
/** Before the picture in its file: how wide it is, in centimetres. */
const WIDTH_BYTES = 4;

/** First bytes of what a browser shows and no script can be in. */
const KINDS: readonly { readonly type: string; readonly begins: readonly number[] }[] = [
  { type: "image/png", begins: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { type: "image/jpeg", begins: [0xff, 0xd8, 0xff] },
];

export interface Shown {
  readonly picture: string | null;
  readonly pictureMetres: number;
}

export class Picture {
  readonly #path: string;
  readonly #changed: (shown: Shown) => void;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #metres = METRES_DEFAULT;

  /** `changed` hears what there is, now and later. */
  constructor(path: string, changed: (shown: Shown) => void) {
    this.#path = path;
    this.#changed = changed;
    this.#read();
    this.#tell();
  }

  serve(app: Hono<Env>, { isIn, mayLook }: { isIn: Allowed; mayLook: Allowed }): void {
    app.get("/floor", (context) => {
      const bytes = mayLook(context) ? this.#bytes : undefined;
      if (bytes === undefined) return context.notFound();
      context.header("cache-control", "no-store");
      return context.body(bytes, 200, { "content-type": kindOf(bytes) ?? "" });
    });
    // First of all: what is said in chunks is taken in whole before it is looked at.
    app.put("/floor", async (context, next) => {
      const mayWrite = isIn(context);
      if (!mayWrite) return context.json({ error: "log in" }, 401);
      return next();
    });
    app.put("/floor", bodyLimit({ maxSize: BYTES_MAX }), async (context) => {
      const metres = Number(context.req.query("metres"));
      const bytes = new Uint8Array(await context.req.arrayBuffer());
      const isWide = metres > 0 && metres <= METRES_MAX;
      if (!isWide) return context.json({ error: "how many metres wide is it?" }, 422);
      if (kindOf(bytes) === undefined) {
        return context.json({ error: "give a PNG or JPEG file of up to 4 MB" }, 422);
      }
      this.#keep(bytes, metres);
      return context.json({});
    });
  }

  #read(): void {
    if (!existsSync(this.#path)) return;
    const bytes = new Uint8Array(readFileSync(this.#path));
    const isWhole = bytes.length > WIDTH_BYTES && kindOf(bytes.subarray(WIDTH_BYTES)) !== undefined;
    if (!isWhole) throw new Error(`${this.#path}: is damaged; delete it, and upload it anew`);
    this.#metres = new DataView(bytes.buffer).getUint32(0) / 100;
    this.#bytes = bytes.slice(WIDTH_BYTES);
  }

  #keep(bytes: Uint8Array<ArrayBuffer>, metres: number): void {
    const width = new Uint8Array(WIDTH_BYTES);
    new DataView(width.buffer).setUint32(0, Math.round(metres * 100));
    const fresh = `${this.#path}.new`;
    writeFileSync(fresh, Buffer.concat([width, bytes]), { mode: 0o600, flush: true });
    renameSync(fresh, this.#path);
    this.#bytes = bytes;
    this.#metres = metres;
    this.#tell();
  }

  #tell(): void {
    const bytes = this.#bytes;
    const picture =
      bytes === undefined ? null : createHash("sha256").update(bytes).digest("hex").slice(0, 16);
    this.#changed({ picture, pictureMetres: this.#metres });
  }
}

function kindOf(bytes: Uint8Array): string | undefined {
  const is = (begins: readonly number[]) => begins.every((byte, at) => bytes[at] === byte);
  return KINDS.find(({ begins }) => is(begins))?.type;
}
