/**
 * How the devices are, as far as this authority knows: when each was last heard, which of the
 * newest keys it has said it has, who is missing. What it does not know it does not call good.
 */
import { joinersIn } from "../../modules/authority/joiners.js";
import type { Rows } from "../../modules/authority/ledger.js";
import {
  type Device,
  devices,
  groups,
  inGroup,
  members,
  NONE,
  numberKey,
} from "../../modules/authority/records.js";
import { toHex } from "../../modules/bytes/hex.js";
import type { DevicePlace } from "./device-side.js";
import { groupsIn } from "./senders.js";

/** Word of then says nothing of now. */
const STALE_SECONDS = 86_400;

export interface GroupKey {
  readonly group: string;
  /** Epoch that it has confirmed; null: none. */
  readonly has: number | null;
  readonly newest: number | null;
}

export interface DeviceStatus {
  readonly name: string;
  readonly eui64: string;
  /** Seconds since its last word; null: none since this authority was started. */
  readonly age: number | null;
  readonly keys: readonly GroupKey[];
  /** Why it is not as it should be; empty: nothing is known against it. */
  readonly wrong: readonly string[];
}

export interface Status {
  readonly running: boolean;
  readonly devices: readonly DeviceStatus[];
  /** Joined perhaps, and never seen since. */
  readonly pending: readonly { name: string; eui64: string; since: number }[];
}

export function status({ authority, running }: DevicePlace, _: object): Promise<Status> {
  const ageOf = (credential: string) => {
    const heard = running?.side?.heardAt(credential) ?? null;
    return heard === null ? null : Math.max(0, Math.round((Date.now() - heard) / 1000));
  };
  return authority.read((rows) => ({
    running: running !== undefined,
    devices: devices.keys(rows).flatMap((eui64) => {
      const device = devices.need(rows, eui64);
      if (device.isLost) return [];
      return [statusOf(rows, eui64, device, ageOf(toHex(device.credential)))];
    }),
    pending: joinersIn(rows).map(({ name, eui64, since }) => ({
      ...{ name, eui64: toHex(eui64), since },
    })),
  }));
}

function statusOf(rows: Rows, eui64: string, device: Device, age: number | null): DeviceStatus {
  const { name, scope, clientId } = device;
  const keys = groupsIn(rows).flatMap(({ name: group, number, securityGroup }) => {
    if (!scope.some(({ appGroup }) => appGroup === number)) return [];
    const has = members.get(rows, inGroup(securityGroup, clientId))?.confirmed ?? NONE;
    const { epoch } = groups.need(rows, numberKey(securityGroup));
    const orNull = (value: number) => (value > 0 ? value : null);
    return [{ group, has: orNull(has), newest: orNull(epoch) }];
  });
  const wrong = [
    ...(age === null ? ["not heard since the authority was started"] : []),
    ...(age !== null && age > STALE_SECONDS ? ["not heard for more than a day"] : []),
    ...keys
      .filter(({ has, newest }) => has === null || has !== newest)
      .map(({ group }) => `without the newest key of ${group}`),
  ];
  return { name, eui64, age, keys, wrong };
}
