/** A channel of two (RFC 8613) between a maintainer and one luminaire, and what he asks over it. */
import type { Inner, Option } from "../../modules/coap/message.js";
import { addUint, CONTENT_FORMAT, codeText } from "../../modules/coap/options.js";
import { question } from "../../modules/device/policy.js";
import type { AppGroup } from "../../modules/groups/directory.js";
import { deviceAddress } from "./addresses.js";
import { pathOptions } from "./craft.js";
import type { NorFlash } from "./flash.js";
import { Guild } from "./guild.js";
import { type Rig, Room, type Spec } from "./rig.js";

export const MAINTAINER = 1;
export const LAMP = 20;
const PORT = 5683;
const SECOND = 1_000_000;
/** Of the channel's secret. */
export const CHANNEL_FILL = 0x5c;

export interface Answer {
  /** As "2.04". */
  readonly code: string;
  readonly payload: Uint8Array;
}

export class Channel {
  readonly room: Room;
  readonly guild = new Guild({
    profile: "oscore",
    id: 9,
    members: [MAINTAINER, LAMP],
    fill: CHANNEL_FILL,
  });
  readonly lamp: Rig;
  readonly maintainer: Rig;

  /** `level`: the maintainer's right to the lamp itself; `flash`: the lamp's. */
  constructor(level: number, more: Partial<Spec> = {}, flash?: NorFlash) {
    this.room = new Room();
    const { guild, room } = this;
    const settings = [[0, 0]] as const;
    const rights = [
      [MAINTAINER, null, level],
      [MAINTAINER, 1, 2],
    ] as const;
    const spec = { guilds: [guild], rights, settings, ...more };
    this.lamp = flash ? room.luminaireOn(LAMP, flash, spec) : room.luminaire(LAMP, spec);
    const target = guild.appGroup;
    this.maintainer = room.switch(MAINTAINER, { guilds: [guild], rights: [], target, settings });
  }

  /** What the lamp answers within ten seconds; undefined: nothing. */
  ask(code: number, path: string, payload?: Uint8Array, format?: number): Answer | undefined {
    const { device } = this.maintainer;
    const to = { address: deviceAddress(LAMP), port: PORT };
    const appGroup = device.groups.directory.appGroup(this.guild.appGroup) as AppGroup;
    const options: Option[] = pathOptions(path);
    if (format !== undefined) addUint(options, CONTENT_FORMAT, format);
    let heard: Inner | undefined;
    const make = ({ type, mid }: { type: number; mid: number }) =>
      question(device, {
        appGroup,
        to,
        head: { type, mid },
        inner: { code, options, payload },
        peer: this.guild.idOf(LAMP),
        waitMicros: 10 * SECOND,
        onAnswer: ({ inner }) => {
          heard = inner;
        },
      });
    const mid = device.endpoint.send({ to, confirmable: true, make });
    for (let step = 0; step < 10 && heard === undefined; step++) this.room.clock.advance(10_000);
    if (heard === undefined) this.room.clock.advance(10 * SECOND);
    if (mid !== undefined) device.endpoint.settle(to, mid);
    if (heard === undefined) return undefined;
    return { code: codeText(heard.code), payload: heard.payload ?? new Uint8Array(0) };
  }

  /** Its code alone. */
  code(code: number, path: string, payload?: Uint8Array, format?: number): string | undefined {
    return this.ask(code, path, payload, format)?.code;
  }
}
