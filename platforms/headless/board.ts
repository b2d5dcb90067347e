/**
 * The board that the headless host is: every port over natives in C (host.ts, natives_*.c).
 *
 * On the medium it has an 802.15.4 radio and virtual time; stand-alone it has UDP over IPv6 and the
 * real clock. Nothing here runs at import: the image is preloaded, and a board exists only in the
 * machine that runs.
 */
import { networkAt } from "../../modules/lowpan/listener.js";
import type { Board } from "../../modules/ports/board.js";
import type { Button, Sensor } from "../../modules/ports/button.js";
import type { Indicator, PatternName } from "../../modules/ports/indicator.js";
import type { BoundMembers, IntakeState } from "../../modules/ports/intake.js";
import type { Random } from "../../modules/ports/random.js";
import type { Trace, TraceEvent } from "../../modules/ports/trace.js";
import { HostClock } from "./clock.js";
import { HostCrypto } from "./crypto.js";
import { HostDatagrams } from "./datagram.js";
import { HostFlash } from "./flash.js";
import { HostLight } from "./light.js";
import { HostRadio } from "./radio.js";
import { HostSlots } from "./slots.js";
import "./host.js";

class HostRandom implements Random {
  fill(bytes: Uint8Array): void {
    lumicastHost.random(bytes);
  }
}

class HostTrace implements Trace {
  count(event: TraceEvent): void {
    lumicastHost.trace(event);
  }
}

class HostButton implements Button {
  onEdge: ((down: boolean, atMicros: number) => void) | undefined = undefined;
}

class HostSensor implements Sensor {
  onMotion: ((motion: boolean, atMicros: number) => void) | undefined = undefined;
  onLux: ((lux: number, atMicros: number) => void) | undefined = undefined;
}

/** With the radio bare, for programs that have no use for a network. */
export interface HostBoard extends Board {
  readonly radio?: HostRadio;
}

function hasSlots(): boolean {
  return lumicastHost.restart !== undefined && lumicastHost.slotSize() > 0;
}

function startAnew(why: string): void {
  lumicastHost.restart!(why);
}

/** The status LED: a line on the control socket or on standard output. */
const INDICATOR: Indicator = Object.freeze({
  show: (pattern: PatternName) => lumicastHost.indicator!(pattern),
});

function bindMembers(state: IntakeState): BoundMembers {
  return lumicastHost.intakeBindMembers!(state);
}

/** Makes the board; once a process. */
export function board(): HostBoard {
  const radio = lumicastHost.medium() ? new HostRadio() : undefined;
  const datagram = radio ? undefined : new HostDatagrams();
  const button = new HostButton();
  const sensor = new HostSensor();
  lumicastHost.attach({ radio, button, sensor, datagram });
  const base = { clock: new HostClock(), random: new HostRandom(), trace: new HostTrace() };
  return {
    ...base,
    crypto: new HostCrypto(),
    intake: {
      bind: (state) => lumicastHost.intakeBind(state),
      bindMembers: lumicastHost.intakeBindMembers && bindMembers,
    },
    flash: new HostFlash(),
    light: new HostLight(),
    button,
    sensor,
    ...(radio
      ? { radio, mesh: (place) => networkAt({ radio, ...base, ...place }) }
      : { datagram: datagram! }),
    ...(lumicastHost.indicator === undefined ? {} : { indicator: INDICATOR }),
    // Neither is there on the emulated board, whose ROM holds one image.
    ...(hasSlots() ? { slots: new HostSlots() } : {}),
    ...(lumicastHost.restart === undefined ? {} : { restart: startAnew }),
    provisioning: () => lumicastHost.provisioning(),
    log: (line) => lumicastHost.log(line),
    fatal: (line) => lumicastHost.fatal(line),
  };
}
