/**
 * A client behind a proxy, on Node.
 *
 *   node proxied.js FLASH WHAT
 */
import { type Proxied, ProxiedProgram } from "../firmware/proxied.js";
import { nodeBoard } from "./board.js";

const [flash, what] = process.argv.slice(2);
const board = nodeBoard({ provisioning: flash, flash, network: "" });
new ProxiedProgram(board, JSON.parse(what) as Proxied);
