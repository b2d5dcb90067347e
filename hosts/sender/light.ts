/**
 * A command to a group from a computer: the firmware's own switch, run for some seconds. It has no
 * key at first, or one of a run before; the sender algorithm (modules/groups/join.ts) gets it one,
 * lamps are shown its token (modules/device/presenting.ts), and the command is said until some
 * report that they obeyed.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { Device } from "../../modules/device/device.js";
import type { MemberReport } from "../../modules/device/parts.js";
import { ROLE } from "../../modules/device/provision.js";
import { sendCommand } from "../../modules/device/send.js";
import { services } from "../../modules/device/services.js";
import { signs } from "../../modules/groups/admission.js";
import type { Command } from "../../modules/lighting/command.js";
import type { Board } from "../../modules/ports/board.js";
import { random } from "../authority/authority.js";
import { NodeClock } from "../authority/clock.js";
import { NodeCrypto } from "../authority/crypto.js";
import { Fault } from "../authority/fault.js";
import { endpointOf } from "../authority/net.js";
import { groupIn, provisioningOf, type SenderFile, type SenderGroup } from "./file.js";
import { FileFlash } from "./flash.js";
import { checkId } from "./member.js";
import { SenderNet } from "./net.js";

/** A lamp that was just shown the token has it, and one that was asleep may be awake. */
const AGAIN_MS: readonly number[] = [250, 1000];
const LOOK_MS = 20;
/** For a question to the Group Manager, handshake included. */
const MEET_MS = 3000;

export interface Wish {
  readonly group: string;
  readonly command: Command;
  /** An interface's name; absent: the one that leads to the authority. */
  readonly network?: string | undefined;
  readonly waitMs: number;
}

export interface Lit {
  readonly group: string;
  /** Datagrams with the command. */
  readonly sent: number;
  /** Client ids of who obeyed, in hex. */
  readonly ok: readonly string[];
  /** Who could not, and why. */
  readonly failed: readonly { readonly client: string; readonly result: string }[];
  readonly network: string;
}

/** `path` is the file's; what the sender has to remember lies beside it. Throws a Fault. */
export async function light(
  { file, path }: { file: SenderFile; path: string },
  wish: Wish,
): Promise<Lit> {
  const group = groupIn(file, wish.group);
  checkId(file, group);
  const clock = new NodeClock();
  const { network } = wish;
  const net = await SenderNet.open(clock, { network, towards: file.kdc.at, port: group.port });
  try {
    const flash = new FileFlash(`${path}.flash`);
    try {
      return await new Sender(file, group, { clock, net, flash }).say(wish);
    } finally {
      flash.close();
    }
  } finally {
    clock.stop();
    net.close();
  }
}

class Sender {
  readonly #file: SenderFile;
  readonly #group: SenderGroup;
  readonly #net: SenderNet;
  readonly #device: Device;
  readonly #log: string[] = [];
  #reports: readonly MemberReport[] | undefined;
  #sent = 0;
  /** An answer came from somebody in the group whom we do not know. */
  #hasStranger = false;

  constructor(
    file: SenderFile,
    group: SenderGroup,
    { clock, net, flash }: { clock: NodeClock; net: SenderNet; flash: FileFlash },
  ) {
    this.#file = file;
    this.#group = group;
    this.#net = net;
    const told = { role: ROLE.SWITCH, groups: [group], target: group.number };
    const blob = provisioningOf(file, told);
    const board: Board = {
      ...{ clock, random, flash },
      crypto: new NodeCrypto(),
      trace: { count: (what) => this.#count(what) },
      light: { failed: false, show: () => {} },
      button: { onEdge: undefined },
      sensor: { onMotion: undefined, onLux: undefined },
      datagram: net,
      provisioning: () => blob.slice(),
      log: (line) => void this.#log.push(line),
      fatal: (line) => {
        throw new Fault(line);
      },
    };
    this.#device = started(board);
    this.#device.onReports = (reports) => {
      this.#reports = reports;
    };
  }

  async say({ command, waitMs }: Wish): Promise<Lit> {
    const { channels } = this.#device;
    if (channels === undefined) throw new Error("a device with an authority has channels");
    const until = Date.now() + waitMs;
    try {
      // What ended while nobody ran is over.
      channels.trust.see(Math.floor(Date.now() / 1000));
      channels.joining.need();
      const hasKey = () => channels.joining.state === "resting" && this.#key() !== undefined;
      // Nobody ran to hear of a newer key: it is asked for while the one there is is tried.
      if (hasKey()) channels.joining.doubt();
      else await this.#keyed(hasKey, until);
      return this.#lit(await this.#rounds(command, until));
    } finally {
      channels.joining.stop();
      channels.dtls.stop();
      // Whoever is told that a connection is closed does not try it.
      await passed(LOOK_MS);
    }
  }

  async #keyed(hasKey: () => boolean, until: number): Promise<void> {
    while (!hasKey()) {
      if (Date.now() > until) throw new Fault(this.#whyNoKey());
      await passed(LOOK_MS);
      // Somebody waits for it: as often as the algorithm allows.
      this.#device.channels?.joining.need();
    }
  }

  #count(what: string): void {
    // A record does not say whose it is: one of somebody unknown is like none of anybody.
    const isRecord = this.#group.profile === "dtls-record";
    if (what === "unknownMember" || (isRecord && what === "forged")) this.#hasStranger = true;
  }

  get #security() {
    return this.#device.groups.directory.appGroup(this.#group.number)?.security;
  }

  #key() {
    return this.#security && this.#device.groups.keyring.current(this.#security);
  }

  /**
   * Until somebody reports; once more under a key that came meanwhile, and for those who could not
   * be understood.
   */
  async #rounds(command: Command, until: number): Promise<readonly MemberReport[]> {
    const heard = new Map<string, MemberReport>();
    let hasMet = false;
    for (;;) {
      this.#hasStranger = false;
      const key = this.#key();
      for (const report of await this.#round(command)) heard.set(toHex(report.member), report);
      const isNews = this.#hasStranger && !hasMet;
      const isDone = heard.size > 0 && !isNews && key === this.#key();
      if (isDone || Date.now() >= until) return [...heard.values()];
      if (!isNews) continue;
      await this.#meet();
      hasMet = true;
    }
  }

  /** Has itself told who is in the group now. */
  async #meet(): Promise<void> {
    const { channels } = this.#device;
    const security = this.#security;
    if (channels === undefined || security === undefined) return;
    const isSigned = signs(security);
    let isMet = false;
    if (isSigned) {
      channels.admission?.meet(security, () => {
        isMet = true;
      });
    } else channels.joining.doubt();
    const until = Date.now() + MEET_MS;
    const isOver = () => (isSigned ? isMet : channels.joining.state === "resting");
    while (!isOver() && Date.now() < until) await passed(LOOK_MS);
  }

  /** The command, again for who is shown our token just now, and all reports on it. */
  async #round(command: Command): Promise<readonly MemberReport[]> {
    this.#reports = undefined;
    const beganAt = Date.now();
    const again = [...AGAIN_MS];
    this.#send({ ...command, report: true });
    while (this.#reports === undefined) {
      await passed(LOOK_MS);
      const ageMs = Date.now() - beganAt;
      if (again.length === 0 || ageMs < again[0]) continue;
      again.shift();
      this.#send({ ...command, ageHundredths: Math.max(1, Math.round(ageMs / 10)) });
    }
    return this.#reports;
  }

  #send(command: Command): void {
    const isSent = sendCommand(this.#device, this.#group.number, command);
    if (!isSent) throw new Fault("nothing could be sent: is the disk full, or the network gone?");
    this.#sent++;
  }

  #lit(reports: readonly MemberReport[]): Lit {
    const ok = reports.filter(({ result }) => result === "ok");
    const failed = reports.filter(({ result }) => result !== "ok");
    return {
      group: this.#group.name,
      sent: this.#sent,
      ok: ok.map(({ member }) => toHex(member)).sort(),
      failed: failed.map(({ member, result }) => ({ client: toHex(member), result })),
      network: this.#net.network,
    };
  }

  /** By what was tried last, and whether anything came from there. */
  #whyNoKey(): string {
    const { server, kdc, name } = this.#file;
    const { name: group } = this.#group;
    const tried = this.#log.filter((line) => /^keys: (applying|asking)$/.test(line)).at(-1);
    const refused = this.#log.filter((line) => line.startsWith("keys refused")).at(-1);
    const isServer = tried === "keys: applying";
    const at = isServer ? server : kdc.at;
    const who = isServer ? "the Authorization Server" : "the Key Distribution Center";
    const what = isServer ? "token" : `key of ${group}`;
    if (!this.#net.hasHeard(endpointOf("at", at))) {
      return `no ${what}: ${who} at ${at} does not answer; start it: lumicast authority start`;
    }
    if (refused !== undefined) return `no ${what}: ${refused}; lumicast doctor looks at it there`;
    const may = `May it be in the group? lumicast group add ${group} ${name} --role sender`;
    return isServer
      ? `no token: ${who} at ${at} refuses this sender, its lumicast log says why. ${may}. If it ` +
          `was entered anew, it needs another file: lumicast sender ${name} FILE`
      : `no ${what}: ${who} at ${at} refuses, its lumicast log says why. ${may}. Who comes back ` +
          "waits up to a minute for another key";
  }
}

/** Throws a Fault with what the firmware says of its flash. */
function started(board: Board): Device {
  try {
    return Device.start(board, services);
  } catch (error) {
    throw new Fault(`${(error as Error).message} (delete the .flash file to begin anew)`);
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
