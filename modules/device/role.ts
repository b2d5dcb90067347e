/** What a device is for: the behaviour of its role, and the face that resources show of it. */
import { toHex } from "../bytes/hex.js";
import type { Command } from "../lighting/command.js";
import { DaylightSensor } from "../lighting/daylight.js";
import { LocalButton } from "../lighting/local.js";
import { Luminaire } from "../lighting/luminaire.js";
import { PresenceSensor } from "../lighting/presence.js";
import { REPORTS, Settings } from "../lighting/settings.js";
import { Switch } from "../lighting/switch.js";
import { WearBudget } from "../lighting/wear.js";
import type { Board } from "../ports/board.js";
import type { Facts, Follower, Shown } from "../resources/resource.js";
import * as roles from "../resources/resource.js";
import type { Parts, Role } from "./parts.js";
import { type Identity, ROLE } from "./provision.js";
import { sendCommand } from "./send.js";
import { VERSION } from "./version.js";

/** Throws an Error when a switch or sensor has no group to command. `upkeep` is shown, too. */
export function buildRole(device: Parts, board: Board, identity: Identity, upkeep?: Shown): Role {
  const { clock } = board;
  const { store } = device;
  const budget = new WearBudget(clock);
  const settings = new Settings({ records: store, budget, initial: identity.settings });
  const facts = factsOf(identity);
  const common = upkeep === undefined ? { facts, settings } : { facts, settings, upkeep };
  if (identity.role === ROLE.LUMINAIRE) {
    const { light } = board;
    const luminaire = new Luminaire({ clock, light, settings, records: store, budget });
    const button = new LocalButton({ clock, luminaire });
    board.button.onEdge = (down, at) => button.edge(down, at);
    return { bit: roles.LUMINAIRE, face: { ...common, luminaire }, target: undefined };
  }
  const { targets } = identity;
  const [target] = targets;
  checkTargets(device, targets);
  const send = (command: Command) => {
    for (const one of targets) sendCommand(device, one, command);
  };
  const ports = { clock, settings, send };
  const following = (behaviour: Follower): Follower => ({
    heard: (command, prevails) => {
      // The device may be in more groups; it follows the one it commands.
      const { id } = device.groups.arriving.read(device.groups.directory).appGroup;
      if (targets.includes(id)) behaviour.heard(command, prevails);
    },
  });
  if (identity.role === ROLE.SWITCH) {
    const wallSwitch = new Switch({ ...ports, wantsReports: settings.get(REPORTS) === 1 });
    board.button.onEdge = (down, at) => wallSwitch.edge(down, at);
    const face = { ...common, wallSwitch, follower: following(wallSwitch) };
    return { bit: roles.SWITCH, face, target, targets };
  }
  if (identity.role === ROLE.PRESENCE) {
    const presence = new PresenceSensor(ports);
    board.sensor.onMotion = (motion) => presence.onMotion(motion);
    const face = { ...common, presence, follower: following(presence) };
    return { bit: roles.PRESENCE, face, target, targets };
  }
  const daylight = new DaylightSensor(ports);
  board.sensor.onLux = (lux) => daylight.onLux(lux);
  const face = { ...common, daylight, follower: following(daylight) };
  return { bit: roles.DAYLIGHT, face, target, targets };
}

function checkTargets(device: Parts, targets: readonly number[]): void {
  if (targets.length === 0) {
    throw new Error("provisioning.target: a switch or sensor needs the group it commands");
  }
  for (const target of targets) {
    if (device.groups.directory.appGroup(target) !== undefined) continue;
    throw new Error(`provisioning.target: group ${target} is not among this device's groups`);
  }
}

function factsOf(identity: Identity): Facts {
  const model = ["", "Luminaire", "Switch", "Presence sensor", "Daylight sensor"];
  return {
    manufacturer: "Lumicast",
    model: model[identity.role],
    serial: toHex(identity.eui64),
    firmware: VERSION,
  };
}
