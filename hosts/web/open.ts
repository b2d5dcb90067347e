/** Opens the page of a program: where it listens, who may come in, and what it says of that. */
import type { Actions } from "./actions.js";
import type { Board } from "./board.js";
import { Guard } from "./guard.js";
import { Codes, type Secret } from "./password.js";
import type { Picture } from "./picture.js";
import { openWeb, type Web, type WebAt } from "./server.js";

export interface PageOptions {
  readonly at: WebAt;
  readonly board: Board;
  readonly actions: Actions;
  /** A password that was set; undefined: codes are told. */
  readonly password?: Secret | undefined;
  readonly picture?: Picture;
  readonly isOpen: boolean;
  /** Where the address and codes are told: a person's terminal. */
  readonly say: (line: string) => void;
}

const PORT_MAX = 65_535;
export const WEB_DEFAULT: WebAt = { address: "127.0.0.1", port: 8780 };
/** Where nobody asked for one: whichever port is free. */
export const WEB_FREE: WebAt = { address: "127.0.0.1", port: 0 };

/** "[ADDRESS:]PORT"; undefined where it is none. */
export function parseWebAt(text: string): WebAt | undefined {
  const [, address, port] =
    /^(?:(\[[0-9a-f:.]+\]|[0-9.]+|localhost):)?(\d{1,5})$/i.exec(text) ?? [];
  if (port === undefined || Number(port) > PORT_MAX) return undefined;
  const bare = address?.replace(/^\[|\]$/g, "") ?? WEB_DEFAULT.address;
  return { address: bare, port: Number(port) };
}

/** Throws an Error that says what to do. */
export async function openPage({ say, at, password, ...parts }: PageOptions): Promise<Web> {
  const codes: string[] = [];
  let told = (code: string): void => void codes.push(code);
  const secret = password ?? new Codes((code) => told(code));
  const guard = new Guard(secret);
  const web = await openWeb({ ...parts, guard }, at).catch((error: NodeJS.ErrnoException) => {
    const isTaken = error.code === "EADDRINUSE";
    const what = isTaken ? "is taken; say another: --web" : `does not work (${error.code})`;
    throw error.code === undefined ? error : new Error(`${at.address}:${at.port} ${what}`);
  });
  say(`page: ${web.url}`);
  if (!isLoopback(at.address)) {
    say("note: others on this network can read along; listen on this computer, and use ssh -L");
  }
  told = (code) => say(`code to log in: ${code}`);
  for (const code of codes) told(code);
  return web;
}

function isLoopback(address: string): boolean {
  return address === "::1" || address === "localhost" || address.startsWith("127.");
}
