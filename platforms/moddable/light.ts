import type { Light, LightOutput } from "../../modules/ports/light.js";

/** PWM, NeoPixel, or the simulator's lamp. */
export class SdkLight implements Light {
  show({ level, mired, x, y }: LightOutput): void {
    native("xs_lumicast_light").call(this, level, mired, x, y);
  }

  get failed(): boolean {
    return native<boolean>("xs_lumicast_light_failed").call(this);
  }
}
