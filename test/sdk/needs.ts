/** Why a suite of this folder is skipped: the first thing that is missing, and what mends it. */
import type { ToolName } from "../../hosts/tools.js";
import { lacks } from "../support/skip.js";

/** `names` besides the SDK and its tools. */
export function needsSdk(...names: ToolName[]): string | false {
  for (const name of ["the Moddable SDK", "the SDK's tools", ...names] as const) {
    const reason = lacks(name);
    if (reason !== false) return reason;
  }
  return false;
}
