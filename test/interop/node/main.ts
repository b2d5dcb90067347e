/**
 * The firmware on Node, or its client (firmware/asker.ts).
 *
 *   node main.js PROVISIONING FLASH INTERFACE [ACTIONS]     "": the first with an IPv6 address
 *
 * ACTIONS is a file.
 */
import { readFileSync } from "node:fs";
import { SECURE_PORT } from "../../../modules/device/channels.js";
import { Device } from "../../../modules/device/device.js";
import { services } from "../../../modules/device/services.js";
import { type Action, Asker } from "../firmware/asker.js";
import { nodeBoard } from "./board.js";

const [provisioning, flash, network, actions] = process.argv.slice(2);
const board = nodeBoard({ provisioning, flash, network, ports: [SECURE_PORT] });
if (actions === undefined) Device.start(board, services);
else new Asker(board, JSON.parse(readFileSync(actions, "utf8")) as Action[]);
