/**
 * How work is measured on XS, on the headless host under callgrind and on an emulated Cortex-M4
 * alike. Everything is called by way of Reflect.apply, whose C function callgrind can be told to
 * look at; its own cost is measured, too, to be taken off.
 */
import { host } from "../../platforms/headless/host.js";

/**
 * `seal` and `open` without signature; `signed`: what the signature covers, put together once more
 * by whoever verifies it; `sign` and `verify`: the library's; `ring`: from the datagram to the
 * light port, `after`: what the device does from there until it is done with it (ring.ts).
 */
export type What =
  | ("nothing" | "seal" | "open" | "sign" | "signed" | "verify" | "agree")
  | ("ring" | "after");

/** One thing that was measured; those of the same name are samples. */
export interface Counted {
  /** Name of the variant, or of the profile. */
  readonly of: string;
  readonly what: What;
  readonly nanos: number;
}

export class Measured {
  readonly counted: Counted[] = [];

  constructor(samples: number) {
    for (let i = 0; i < samples; i++) this.measure("", "nothing", () => {});
  }

  measure(of: string, what: What, act: () => void): void {
    const { nanos, gc } = host();
    gc();
    const begin = nanos();
    Reflect.apply(act, undefined, []);
    this.counted.push({ of, what, nanos: nanos() - begin });
  }

  /**
   * `ring` until `act` calls what it is given, `after` from there to its end. Reflect.isExtensible,
   * which nothing else here calls, tells callgrind (counts.ts) where to begin the second count: it
   * does not look at a function within itself. Throws an Error without that call.
   */
  measureInTwo(of: string, act: (reached: () => void) => void): void {
    const { nanos, gc } = host();
    let middle = -1;
    const reached = () => {
      if (middle >= 0) return;
      middle = nanos();
      Reflect.isExtensible(reached);
    };
    gc();
    const begin = nanos();
    Reflect.apply(act, undefined, [reached]);
    const end = nanos();
    if (middle < 0) throw new Error(`${of}: the light port was not called`);
    this.counted.push({ of, what: "ring", nanos: middle - begin });
    this.counted.push({ of, what: "after", nanos: end - middle });
  }
}
