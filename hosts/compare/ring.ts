/**
 * The receive path, to the light port and from there to its end: a luminaire in a group of each
 * profile hears genuine commands, one every few seconds, its store's writes included. Signatures
 * wait (policy `defer`): whatever verifies them costs what it costs beside this. Runs on Node and
 * on XS.
 */
import { fromHex } from "../../modules/bytes/hex.js";
import { Device } from "../../modules/device/device.js";
import { schemes } from "../../modules/device/schemes.js";
import { MemoryFlash } from "../bench/flash.js";
import { underItsKeys } from "../bench/unsigned.js";
import { LabBoard, type LabParts } from "./lab.js";
import type { Room } from "./rooms.js";

export type RingParts = Pick<LabParts, "crypto" | "flash" | "intake">;

const SPARSE_MICROS = 3_000_000;
/** First contact, first records on flash. */
const WARM_UP = 3;

/**
 * Calls `measured` with what is to be measured, `samples` times; it says when it has reached the
 * light port. Throws an Error when unheard.
 */
export function ring(
  { lamp, wall, profile }: Room,
  { crypto, flash, intake }: RingParts,
  samples: number,
  measured: (act: (reached: () => void) => void) => void,
): void {
  let verified = 0;
  const trusting = underItsKeys(crypto, () => {
    verified++;
    return true;
  });
  const own = { blob: fromHex(lamp.blob), address: fromHex(lamp.address) };
  const board = new LabBoard({ ...own, crypto: trusting, flash, ...(intake ? { intake } : {}) });
  const { light } = board;
  const show = light.show.bind(light);
  let lit = () => {};
  light.show = (output) => {
    lit();
    show(output);
  };
  const device = Device.start(board, { schemes });
  const from = { address: fromHex(wall.address), port: 5683 };
  const sender = new LabBoard({
    blob: fromHex(wall.blob),
    address: from.address,
    crypto: trusting,
    flash: new MemoryFlash(),
  });
  const commands = Device.start(sender, { schemes });
  for (let i = 0; i < WARM_UP + samples; i++) {
    board.clock.advance(SPARSE_MICROS);
    while (device.store.needsTidy) device.store.tidy();
    const level = 1 + i;
    if (!commands.command({ on: true, level })) throw new Error(`${profile}: no command was sent`);
    const [{ to, bytes }] = sender.net.take();
    const datagram = { from, to, bytes, atMicros: board.clock.micros() };
    verified = 0;
    const act = (reached: () => void) => {
      lit = reached;
      device.receive(datagram);
      lit = () => {};
    };
    if (i < WARM_UP) act(() => {});
    else measured(act);
    const isLit = board.last === "accepted" && board.light.level === level;
    if (!isLit) throw new Error(`${profile}: ${board.last}, light ${board.light.level}`);
    if (i >= WARM_UP && verified > 0) throw new Error(`${profile}: a signature was looked at`);
  }
}
