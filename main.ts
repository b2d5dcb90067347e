/** Composition root of the firmware: the board it runs on and its provisioning make one device. */
import { selftest } from "./modules/crypto/selftest.js";
import { Device } from "./modules/device/device.js";
import { services } from "./modules/device/services.js";
import { statusOf } from "./modules/device/status.js";
import { board as bootBoard } from "./platforms/board.js";

export default function main(): void {
  const board = bootBoard();
  try {
    const fault = selftest(board.crypto);
    if (fault !== undefined) throw new Error(`crypto self-test: ${fault}; do not use this board`);
    const device = (services.begin ?? Device.start)(board, services);
    // Nobody's yet.
    if (device === undefined) return;
    const { status } = board;
    if (status === undefined) return;
    const show = () => status.show(statusOf(device));
    device.onObservation = show;
    show();
  } catch (error) {
    // Only start-up may fail: what it throws tells a person what to mend.
    board.fatal(error instanceof Error ? error.message : String(error));
  }
}
