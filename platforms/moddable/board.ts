/**
 * The board that every place under the Moddable SDK shares: the ports of modules/ports over
 * platforms/native/board.h, which each board implements in C.
 *
 * The problem: simulator, ESP32 and nRF52840 differ in their C only, and yet each wants a board.ts
 * of its own, with what it alone has. Rejected: a TypeScript class a board and a port, which says
 * the same six times; the SDK's io classes, which have neither IPv6 multicast nor raw flash.
 * Chosen: `sdkBoard()` here, over the natives of natives_*.c, and a board.ts in each platform that
 * calls it and replaces the few fields that differ there.
 *
 * How a platform NAME joins in:
 *   platforms/board.NAME.ts        export { board } from "./NAME/board.js";  nothing else: XS looks
 *                                  a relative import up from the module's name in the image,
 *                                  which is platforms/board, so that file has to lie there
 *   platforms/NAME/board.ts        export function board(): Board { return sdkBoard(); }
 *   platforms/NAME/*.c             the functions of platforms/native/board.h; base names are unique
 *   platforms/NAME/manifest.json   "modules": { "platforms/board": "../board.NAME",
 *                                    "platforms/NAME/*": ["./board"], "*": ["./board_NAME"] },
 *                                  "preload": ["platforms/board", "platforms/NAME/board"],
 *                                  "creation", and "include":
 *                                    ["../moddable/manifest_provisioning.json"] where the image
 *                                    holds its device's provisioning ($LUMICAST_PROVISIONING)
 * The top manifest.json includes it for its platforms; test/sdk/manifest.test.ts checks that all
 * that is reached is listed and preloaded.
 */
import type { Board } from "../../modules/ports/board.js";
import type { Button, Sensor } from "../../modules/ports/button.js";
import type { Random } from "../../modules/ports/random.js";
import { listenToButton, random, restartReason, setPin } from "./bound.js";
import { SdkClock } from "./clock.js";
import { configuration } from "./config.js";
import { SdkCrypto } from "./crypto.js";
import { SdkDatagrams } from "./datagram.js";
import { SdkFlash } from "./flash.js";
import { SdkIntake } from "./intake.js";
import { SdkLight } from "./light.js";
import { embedded } from "./provisioning.js";
import { restart } from "./restart.js";
import { SdkTrace } from "./trace.js";

export class SdkButton implements Button {
  onEdge: ((down: boolean, atMicros: number) => void) | undefined = undefined;

  constructor() {
    listenToButton(this);
  }
}

/** Boards get their sensors one by one; nobody calls these yet. */
class NoSensor implements Sensor {
  onMotion: ((motion: boolean, atMicros: number) => void) | undefined = undefined;
  onLux: ((lux: number, atMicros: number) => void) | undefined = undefined;
}

class SdkRandom implements Random {
  fill(bytes: Uint8Array): void {
    // Nothing may be made of bytes that are not random: no key, no token, no leisure.
    if (!random(bytes)) {
      throw new Error("random: the board's source of randomness is not ready");
    }
  }
}

/** Makes the board; once a boot. What is wrong is told as every fatal error is, by a restart. */
export function sdkBoard(): Board {
  try {
    return makeBoard();
  } catch (error) {
    return restart(error instanceof Error ? error.message : String(error));
  }
}

function makeBoard(): Board {
  const { pins, ports, role } = configuration();
  setPins(pins);
  const reason = restartReason();
  if (reason !== undefined) log(`restarted: ${reason}`);
  return {
    clock: new SdkClock(),
    random: new SdkRandom(),
    crypto: new SdkCrypto(),
    flash: new SdkFlash(),
    intake: new SdkIntake(),
    trace: new SdkTrace(),
    light: new SdkLight(),
    button: new SdkButton(),
    sensor: new NoSensor(),
    datagram: new SdkDatagrams(ports),
    ...(role === undefined ? {} : { role }),
    provisioning: embedded,
    log,
    fatal: restart,
  };
}

function setPins(pins: ReadonlyMap<string, number>): void {
  for (const [name, pin] of pins) {
    const wrong = setPin(name, pin);
    if (wrong !== undefined) throw new Error(`pins: ${name} = ${pin}: ${wrong}`);
  }
}

function log(line: string): void {
  trace(`${line}\n`);
}
