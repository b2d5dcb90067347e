/**
 * The desktop simulator: the firmware in mcsim, with a lamp, a button and a status LED of our own.
 *
 * The problem: a person wants to see on the desk what a room will do, with the datagrams and the
 * flash that a board has. Rejected: to simulate the radio here too (`npm start` does, with a clock
 * of its own; here time is real and the network is the computer's), and the SDK's own simulated
 * boards, which have no lamp. Chosen: UDP over IPv6 multicast between the instances, a file with
 * NOR flash's rules for each, and a device for mcsim (device/) that this file talks to.
 *
 * An instance is a folder, $LUMICAST_INSTANCE: `provisioning.cbor` goes in, `flash` and `restart`
 * are kept there. What happens is told on standard output too, a JSON line each.
 */
import type { Board } from "../../modules/ports/board.js";
import type { Light, LightOutput } from "../../modules/ports/light.js";
import type { TraceEvent } from "../../modules/ports/trace.js";
import { sdkBoard } from "../moddable/board.js";
import { SdkLight } from "../moddable/light.js";
import { SdkTrace } from "../moddable/trace.js";
import { Panel } from "./panel.js";

class SimulatorLight implements Light {
  readonly failed = false;
  readonly #light = new SdkLight();
  readonly #panel: Panel;

  constructor(panel: Panel) {
    this.#panel = panel;
  }

  show(output: LightOutput): void {
    this.#light.show(output);
    this.#panel.show({ lamp: output });
  }
}

class SimulatorTrace extends SdkTrace {
  readonly #panel: Panel;

  constructor(panel: Panel) {
    super();
    this.#panel = panel;
  }

  override count(event: TraceEvent): void {
    super.count(event);
    tell("trace", event);
    this.#panel.show({ event, drop: this.lastDrop });
  }
}

/** Makes the board; once a start of the app. */
export function board(): Board {
  const made = sdkBoard();
  const panel = new Panel(made.clock, made.button);
  return {
    ...made,
    light: new SimulatorLight(panel),
    trace: new SimulatorTrace(panel),
    provisioning,
    indicator: {
      show: (pattern) => {
        tell("indicator", pattern);
        panel.show({ pattern });
      },
    },
    status: { show: (status) => panel.show({ status }) },
    log: (line) => {
      made.log(line);
      tell("log", line);
    },
    // At start nobody catches it: mcsim says that the app ended, and keeps the window with the
    // reason. Later the bindings do, and restart.
    fatal: (line) => {
      panel.show({ fatal: line });
      tell("fatal", line);
      throw new Error(line);
    },
  };
}

/** One of the JSON lines on standard output: {"at":micros,"key":"text"}. */
function tell(this: void, key: string, text: string): undefined {
  return native<undefined>("xs_simulator_tell").call(this, key, text);
}

function provisioning(this: void): Uint8Array | undefined {
  return native<Uint8Array | undefined>("xs_simulator_provisioning").call(this);
}
