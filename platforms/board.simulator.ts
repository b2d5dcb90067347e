/** The board that mcconfig puts in the place of board.ts for lin, mac and win. */
export { board } from "./simulator/board.js";
