import type { Light, LightOutput } from "../../modules/ports/light.js";

/** The lamp: a line on the control socket or on standard output. */
export class HostLight implements Light {
  show(output: LightOutput): void {
    lumicastHost.light(output.level, output.mired, output.x, output.y);
  }

  get failed(): boolean {
    return lumicastHost.lampFailed();
  }
}
