/** The other half of the room: devices on Wi-Fi, each on a computer of its own. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "../../modules/bytes/hex.js";
import { provisioning } from "../installation/provisioning.js";
import type { Installation } from "../installation/types.js";

const OWNER_ONLY = 0o600;
const HOST = "build/headless/release/lumicast";
const IMAGE = "build/firmware/lumicast.xsb";

/** Writes their files to `folder`, for their owner only; the command line that starts each. */
export function provisionWifi(room: Installation, folder: string, link: string): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const devices = room.devices.filter(({ wifi }) => wifi !== undefined);
  return devices.map((device) => {
    const path = join(folder, `${device.name}.cbor`);
    writeFileSync(path, provisioning(room, device), { mode: OWNER_ONLY });
    chmodSync(path, OWNER_ONLY);
    const flash = join(folder, `${device.name}.flash`);
    const files = `--provision ${path} --flash ${flash} --eui64 ${toHex(device.eui64)}`;
    return `${HOST} run ${IMAGE} ${files} --interface ${link}`;
  });
}
