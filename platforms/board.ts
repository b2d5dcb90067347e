/** The board this image is built for. */
export { board } from "./headless/board.js";
