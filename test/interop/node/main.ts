/**
 * The firmware on Node, or its client (firmware/asker.ts).
 *
 *   node main.js PROVISIONING FLASH [ACTIONS]
 */
import { Device } from "../../../modules/device/device.js";
import { services } from "../../../modules/device/services.js";
import { type Action, Asker } from "../firmware/asker.js";
import { nodeBoard } from "./board.js";

const [provisioning, flash, actions] = process.argv.slice(2);
const board = nodeBoard({ provisioning, flash });
if (actions === undefined) Device.start(board, services);
else new Asker(board, JSON.parse(actions) as Action[]);
