/**
 * What mcconfig's `config` says: in a manifest, or on the command line (mcconfig -m -p esp32
 * role=switch pins=button:9), where every value is a text.
 *
 *   role    luminaire, switch, presence or daylight: what this image is for; a device whose
 *           provisioning says otherwise refuses to start. Empty: whatever provisioning says
 *   pins    { "button": 9, "led": 8 } or "button:9,led:8"; names and numbers are the board's
 *   ports   [5684] or "5684": UDP ports to listen on besides 5683
 */
import config from "mc/config";
import { ROLE_NAMES, type RoleName } from "../../modules/ports/role.js";

export interface Configuration {
  readonly role: RoleName | undefined;
  readonly pins: ReadonlyMap<string, number>;
  readonly ports: readonly number[];
}

const PORTS_MAX = 7;

/** Throws an Error that names the value which is wrong and says what it may be. */
export function configuration(values: Readonly<Record<string, unknown>> = config): Configuration {
  return { role: roleOf(values.role), pins: pinsOf(values.pins), ports: portsOf(values.ports) };
}

function roleOf(value: unknown): RoleName | undefined {
  if (value === undefined || value === "") return undefined;
  const role = ROLE_NAMES.find((name) => name === value);
  if (role !== undefined) return role;
  throw new Error(`role: ${String(value)} is not one of ${ROLE_NAMES.join(", ")}`);
}

function pinsOf(value: unknown): Map<string, number> {
  const pins = new Map<string, number>();
  if (value === undefined || value === "") return pins;
  const entries =
    typeof value === "string"
      ? value.split(",").map((part) => part.split(":"))
      : Object.entries(value as object);
  for (const [name, number, ...rest] of entries) {
    const pin = whole(number);
    if (name === "" || pin === undefined || pin > 255 || rest.length > 0) {
      throw new Error(`pins: ${name}:${String(number)} is no pin; write name:number, button:9 say`);
    }
    pins.set(name, pin);
  }
  return pins;
}

function portsOf(value: unknown): number[] {
  if (value === undefined || value === "") return [];
  const parts = Array.isArray(value) ? (value as unknown[]) : String(value).split(",");
  const ports = parts.map(whole);
  if (ports.length > PORTS_MAX || ports.some((port) => port === undefined || port > 65535)) {
    throw new Error(`ports: ${String(value)}: up to ${PORTS_MAX} numbers below 65536, by commas`);
  }
  return ports as number[];
}

/** A number, or the text of one in plain decimal digits. */
function whole(value: unknown): number | undefined {
  const number = typeof value === "string" && /^[0-9]{1,5}$/.test(value) ? Number(value) : value;
  return Number.isInteger(number) && (number as number) >= 0 ? (number as number) : undefined;
}
