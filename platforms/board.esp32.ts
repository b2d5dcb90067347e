/** The board that mcconfig puts in the place of board.ts for esp32. */
export { board } from "./esp32/board.js";
