/** Serial ports that a board may hang on, and whether this user may open them. */
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Check } from "./types.js";

/** Linux: USB bridges and boards with USB of their own; macOS: the calling-out side of both. */
const PORT = /^(ttyUSB|ttyACM|cu\.usb|cu\.SLAB|cu\.wchusb)/;

/** `folder` is where the system keeps its devices. */
export function serialPorts(folder = "/dev"): Check {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => PORT.test(name)) : [];
  const ports = names.sort().map((name) => join(folder, name));
  const open = ports.filter(mayOpen);
  const mend =
    ports.length === 0
      ? "connect the board by a USB cable that carries data"
      : `sudo usermod -aG dialout ${userInfo().username}   # then log in again`;
  return {
    name: "serial port",
    purposes: ["esp32", "nrf52840"],
    found: open.length > 0 ? open.join(", ") : undefined,
    mend,
  };
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
