/**
 * What our TypeScript uses of the Moddable SDK 8.2, for tsc and for people without the SDK;
 * mcconfig never reads it. `native("name").call(this, ...)` is the C function of that name.
 */
declare function native<R = void>(name: string): (this: unknown, ...args: unknown[]) => R;
/** A class whose instances hold C data; `destructor` is the C function that frees it. */
declare function Native(destructor: string): new () => object;

/** A line for xsbug, or for standard output where there is none; nothing in release builds. */
declare function trace(...text: (string | number | boolean)[]): void;

declare module "timer" {
  const Timer: {
    set(callback: () => void, delayMs: number): object;
    /** No effect on a timer that has fired. */
    clear(timer: object): void;
  };
  export default Timer;
}

declare module "Resource" {
  export default class Resource {
    constructor(path: string);
    static exists(path: string): boolean;
    slice(begin: number): ArrayBuffer;
  }
}

declare module "mc/config" {
  const config: Readonly<Record<string, unknown>>;
  export default config;
}
