import type { Light, LightOutput } from "../../modules/ports/light.js";
import { showLight } from "./bound.js";

/** PWM, NeoPixel, or the simulator's lamp. */
export class SdkLight implements Light {
  show({ level, mired, x, y }: LightOutput): void {
    showLight(level, mired, x, y);
  }

  get failed(): boolean {
    return native<boolean>("xs_lumicast_light_failed").call(this);
  }
}
