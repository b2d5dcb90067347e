/**
 * nRF52840 under Zephyr with OpenThread. The C beside this argues for its design (board_nrf.c).
 *
 * Its images hold `lowlatency` alone, so the native help for members' messages (natives_members.c)
 * is left out: nobody would call it, and it would cost 2 KB of ROM. The store's (natives_journal.c)
 * is in: of a start it is most.
 *
 * One image, without a second slot (`Board.slots`), so /fw answers 4.04. The DK's second flash
 * chip could hold the spare image, but the one that runs has to lie in the nRF's own: of 1,024 KB
 * MCUboot takes 48, OpenThread's settings 32 and its moving of sectors 4, which leaves 940.
 * `lowlatency` alone takes 904 (624 without Zephyr and OpenThread, 280 for them by estimate), and
 * nobody can send it a manifest; `oscore` and modules/device/update.ts are 66 more, libsodium's
 * Ed25519 with SHA-512 83: 1,053, without what joins them.
 *
 * mcconfig's `config` has two values more here:
 *   dataset   Thread operational dataset in hex, as `dataset active -x` prints it on a router.
 *             Empty: the one that the chip has kept; where it has none, no network
 *   router    1: may become a Thread router, which lamps should; 0: an end device. Empty: 1
 */
import config from "mc/config";
import type { Board } from "../../modules/ports/board.js";
import type { Indicator, PatternName } from "../../modules/ports/indicator.js";
import { sdkBoard } from "../moddable/board.js";
import { restart } from "../moddable/restart.js";

const INDICATOR: Indicator = Object.freeze({
  show: (pattern: PatternName) => {
    native("xs_lumicast_nrf_indicator").call(undefined, pattern);
  },
});

/** Makes the board; once a boot. A value that is wrong restarts with a reason that names it. */
export function board(): Board {
  set("dataset", config.dataset);
  set("router", config.router);
  return { ...sdkBoard(), indicator: INDICATOR };
}

function set(name: string, value: unknown): void {
  if (value === undefined || value === "") return;
  const setting = native<string | undefined>("xs_lumicast_nrf_setting");
  const wrong = setting.call(undefined, name, String(value));
  if (wrong !== undefined) restart(`pins: setting ${name}: ${wrong}`);
}
