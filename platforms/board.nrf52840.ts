/** The board that mcconfig puts in the place of board.ts for zephyr/nrf52840dk. */
export { board } from "./nrf52840/board.js";
