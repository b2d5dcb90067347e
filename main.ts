/** Composition root of the firmware: the board it runs on and its provisioning make one device. */
import { Device } from "./modules/device/device.js";
import { board as bootBoard } from "./platforms/board.js";

export default function main(): void {
  const board = bootBoard();
  try {
    Device.start(board);
  } catch (error) {
    // Only start-up may fail: what it throws tells a person what to mend.
    board.fatal(error instanceof Error ? error.message : String(error));
  }
}
