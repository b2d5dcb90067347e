/**
 * What the page can have done. Who serves it gives a function for each thing that it can do, and
 * the page shows no button for the others.
 */
import type { ActionArgs, ActionName } from "./site.js";

export interface Done {
  /** For people. */
  readonly lines: readonly string[];
}

export type Actions = {
  readonly [name in ActionName]?: (args: ActionArgs[name]) => Promise<Done>;
};

type Reader = (value: unknown) => string | number | undefined;

const TEXT_MAX = 64;
/** No floor is larger. */
const METRES_MAX = 10_000;

const text: Reader = (value) =>
  typeof value === "string" && value.length <= TEXT_MAX ? value : undefined;
const metres: Reader = (value) =>
  typeof value === "number" && Math.abs(value) <= METRES_MAX ? value : undefined;

const READERS: { readonly [name in ActionName]: Readonly<Record<string, Reader>> } = {
  place: { device: text, x: metres, y: metres },
  identify: { device: text },
  rename: { device: text, name: text },
  move: { device: text, from: text, to: text },
  lost: { device: text },
  rekey: { group: text },
  press: { device: text },
  joinOpen: {},
  joinClose: {},
  joinCode: { label: text, name: text, group: text },
  joinPress: { group: text },
  joinConfirm: { device: text },
};

export function namesOf(actions: Actions): ActionName[] {
  const names = Object.keys(READERS) as ActionName[];
  return names.filter((name) => actions[name] !== undefined);
}

/** Undefined where there is no such action, or it takes something else. */
export function actionFor(
  actions: Actions,
  name: string,
  body: unknown,
): (() => Promise<Done>) | undefined {
  if (!Object.hasOwn(READERS, name)) return undefined;
  const action = actions[name as ActionName] as ((args: object) => Promise<Done>) | undefined;
  if (action === undefined || typeof body !== "object" || body === null) return undefined;
  const args: Record<string, string | number> = {};
  for (const [field, read] of Object.entries(READERS[name as ActionName])) {
    const value = read((body as Record<string, unknown>)[field]);
    if (value === undefined) return undefined;
    args[field] = value;
  }
  return () => action(args);
}
