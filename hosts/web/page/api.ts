/** What the page asks of its server. */
import type { ActionArgs, ActionName, Visitor } from "../site.js";

/** Said to the person as it is. */
export class Refused extends Error {
  readonly waitMs: number;

  constructor(message: string, waitMs = 0) {
    super(message);
    this.waitMs = waitMs;
  }
}

export async function visitor(): Promise<Visitor> {
  return (await (await fetch("/api/visitor", { cache: "no-store" })).json()) as Visitor;
}

export function login(secret: string): Promise<object> {
  return post("/api/login", { secret });
}

export function logout(): Promise<object> {
  return post("/api/logout", {});
}

export async function act<N extends ActionName>(name: N, args: ActionArgs[N]): Promise<string[]> {
  const { lines } = (await post(`/api/do/${name}`, args)) as { lines?: string[] };
  return lines ?? [];
}

/** The picture of the floor, and how wide what it shows is. */
export async function putPicture(file: Blob, metres: number): Promise<void> {
  await answered(await fetch(`/floor?metres=${metres}`, { method: "PUT", body: file }));
}

async function post(path: string, body: object): Promise<object> {
  const headers = { "content-type": "application/json" };
  return answered(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answered(response: Response): Promise<object> {
  type Answer = { error?: string; waitMs?: number };
  const answer = (await response.json().catch(() => ({}))) as Answer;
  if (response.ok) return answer;
  throw new Refused(answer.error ?? `the server said ${response.status}`, answer.waitMs);
}
