/** What the suites about schemes with a key for each member share. */
import type { Drop } from "../../modules/bytes/outcome.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { equal } from "../harness.js";
import { ON, pathOptions } from "./craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "./guild.js";
import type { Rig, Room, Spec } from "./rig.js";

export const SIGNED = ["oscoap-00", "multicast-oscore-04", "group-oscore-02", "group-oscore"];
export const GROUPS = [...SIGNED, "dtls-record"];
/** In these the window covers requests only. */
export const BOUND_ANSWERS = ["multicast-oscore-04", "group-oscore-02", "group-oscore"];

export const SWITCH = 1;
export const OTHER_SWITCH = 2;
export const LAMP = 20;
export const SECOND_LAMP = 21;
export const MEMBERS = [SWITCH, OTHER_SWITCH, LAMP, SECOND_LAMP];

export function guildOf(profile: string, more: Partial<GuildSpec> = {}): Guild {
  return new Guild({ profile, id: 5, members: MEMBERS, ...more });
}

/** Rights of the switches in a guild's application group. */
export function rightsIn(guild: Guild, level = 2) {
  return [SWITCH, OTHER_SWITCH].map((client) => [client, guild.appGroup, level] as const);
}

export function lampIn(room: Room, guild: Guild, more: Partial<Spec> = {}, number = LAMP): Rig {
  const settings = [[0, 0]] as const;
  return room.luminaire(number, { guilds: [guild], rights: rightsIn(guild), settings, ...more });
}

/** Says `payload` to /l. */
export function light(sequence: number, more: Partial<GuildCraft> = {}): GuildCraft {
  return { from: SWITCH, sequence, options: pathOptions("l"), payload: ON, ...more };
}

export function verdict(rig: Rig, datagram: Datagram): Drop | "accepted" {
  const outcome = rig.device.receive(datagram);
  return outcome.ok ? "accepted" : outcome.drop;
}

export function flip(at: number): (bytes: Uint8Array) => void {
  return (bytes) => {
    bytes[at] ^= 1;
  };
}

/** A dropped datagram shows in nothing but one counter. */
export function silently(rig: Rig, room: Room, datagram: Datagram, reason: Drop): void {
  const flash = rig.flash.snapshot();
  const [shown, sent, counted] = [rig.shown.length, room.net.sent.length, rig.events.length];
  equal(verdict(rig, datagram), reason);
  equal([rig.shown.length, room.net.sent.length], [shown, sent], `${reason}: no light, no reply`);
  equal(rig.events.slice(counted), [reason]);
  equal(rig.flash.snapshot(), flash, `${reason}: flash untouched`);
}
