/** What people may call a device or a group. */
import { Fault } from "./fault.js";

export function isName(name: string): boolean {
  return /^[^\s/]{1,32}$/.test(name);
}

/** Throws a Fault that says what a name is. */
export function checkName(name: string): void {
  if (!isName(name)) throw new Fault(`${name}: a name has 1 to 32 letters, no blank`);
}

/** The same of a group, which is called by its number, too. */
export function checkGroupName(name: string): void {
  checkName(name);
  if (/^\d+$/.test(name)) throw new Fault(`${name} is how a number is written; add a letter`);
}
