/**
 * A client over npm's `coap`, as a program of its own: it has to run in another network than the
 * test. Its argument is a list of what to do in JSON; it writes one answer a line.
 *
 *   node npm-coap.js HOST '[{"method":"GET","path":"/3311/0/5850","observe":2}]'
 */
import { type IncomingMessage, type ObserveReadStream, request } from "coap";

/** What a peer is asked to do; the same for every peer (aiocoap_client.py, Client.java). */
interface Action {
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  /** So many notifications, the first answer included. */
  readonly observe?: number;
  /** Hex. */
  readonly payload?: string;
  readonly format?: string;
  /** Hex of a Block2 option's value. */
  readonly block2?: string;
}

const [host, json] = process.argv.slice(2);

async function main(): Promise<void> {
  for (const action of JSON.parse(json) as Action[]) await act(action);
}

function act(action: Action): Promise<void> {
  const { method, path, observe, payload, format, block2 } = action;
  const [pathname, query] = path.split("?");
  const options = { host, pathname, method, observe: observe !== undefined, retrySend: 3 };
  const asked = request(query === undefined ? options : { ...options, query });
  if (format !== undefined) asked.setOption("Content-Format", format);
  if (block2 !== undefined) asked.setOption("Block2", Buffer.from(block2, "hex"));
  return new Promise((resolve, reject) => {
    asked.on("error", reject);
    asked.on("response", (response: IncomingMessage) => {
      if (observe === undefined || !("close" in response)) {
        tell(response);
        resolve();
        return;
      }
      follow(response as ObserveReadStream, observe, resolve);
    });
    asked.end(payload === undefined ? undefined : Buffer.from(payload, "hex"));
  });
}

function follow(stream: ObserveReadStream, count: number, resolve: () => void): void {
  let heard = 0;
  stream.on("data", (data: Buffer) => {
    tell({ code: stream.code, payload: data });
    if (++heard < count) return;
    stream.close();
    resolve();
  });
}

function tell({ code, payload }: { code: string; payload: Buffer }): void {
  console.log(JSON.stringify({ code, payload: payload.toString("hex") }));
}

await main();
process.exit(0);
