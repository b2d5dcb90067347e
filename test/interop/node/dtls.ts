/**
 * One end of DTLS on Node.
 *
 *   node dtls.js FLASH END
 */
import { type DtlsEnd, DtlsProgram } from "../firmware/dtls.js";
import { nodeBoard } from "./board.js";

const [flash, end] = process.argv.slice(2);
const board = nodeBoard({ provisioning: flash, flash, network: "" });
new DtlsProgram(board, JSON.parse(end) as DtlsEnd);
