/** `/fw/…` over a channel of two and by multicast, to a second slot that really is started. */
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { GET, POST, PUT } from "../../modules/coap/options.js";
import { ACTION } from "../../modules/device/update.js";
import { equal, test } from "../harness.js";
import { Channel, MAINTAINER } from "../support/channel.js";
import { craft } from "../support/craft.js";
import { FAULTS, type Fault, PowerCut } from "../support/flash.js";
import { verdict } from "../support/lamps.js";
import { Release, releaseKey } from "../support/release.js";
import { TestSlots } from "../support/slots.js";

const SECOND = 1_000_000;
const CBOR = 60;
const RIGHTS = [
  [MAINTAINER, null, 5],
  [MAINTAINER, 1, 2],
] as const;

interface State {
  readonly phase: number;
  readonly slot: number;
  readonly runs: number;
  readonly onTrial: boolean;
  readonly received: string;
  readonly missing: Cbor;
  readonly counts: Cbor;
}

class Site {
  readonly slots: TestSlots;
  readonly channel: Channel;
  /** Numbers of the group's messages. */
  sequence = 1;

  constructor(slots = new TestSlots(), key: Uint8Array | undefined = releaseKey()) {
    this.slots = slots;
    const more = key === undefined ? {} : { firmwareKey: key };
    this.channel = new Channel(5, { slots, rights: RIGHTS, ...more });
  }

  install({ signed }: Release): string | undefined {
    return this.channel.code(PUT, "fw/manifest", signed);
  }

  act(action: number, { manifest }: Release): string | undefined {
    const wish = new Map([
      [0, action],
      [1, manifest.sequence],
    ]);
    return this.channel.code(POST, "fw/state", encode(wish), CBOR);
  }

  state(): State {
    const decoded = decode(this.channel.ask(GET, "fw/state")?.payload ?? new Uint8Array(0));
    if (!decoded.ok || !(decoded.value instanceof Map)) throw new Error("no state");
    const at = (key: number) => (decoded.value as Map<Cbor, Cbor>).get(key);
    return {
      phase: at(0) as number,
      slot: at(1) as number,
      runs: at(2) as number,
      onTrial: at(3) as boolean,
      received: `${at(6)}/${at(5)}`,
      missing: at(7),
      counts: at(8),
    };
  }

  /** One block, to everybody. */
  send(payload: Uint8Array): string {
    const wish = { sequence: this.sequence++, path: "fw/block", payload };
    return verdict(this.channel.lamp, craft(wish));
  }

  sendAll(release: Release): void {
    for (let index = 0; index < release.count; index++) {
      equal(this.send(release.block(index)), "accepted", `block ${index}`);
    }
  }

  pass(seconds: number): void {
    this.channel.room.clock.advance(seconds * SECOND);
  }

  restart(): void {
    this.channel.lamp.restart();
  }

  /** The slot is ready for blocks. */
  begin(release: Release): void {
    equal(this.install(release), "2.04");
    equal(this.act(ACTION.START, release), "2.04");
    this.pass(3);
    equal(this.state().phase, 3);
  }

  /** Up to an image that runs on trial. */
  activate(release: Release): void {
    this.begin(release);
    this.sendAll(release);
    this.pass(2);
    equal(this.state().phase, 5);
    equal(this.act(ACTION.ACTIVATE, release), "2.04");
    equal(this.channel.lamp.restarts.length, 0, "the answer goes out before");
    this.pass(2);
    equal(this.channel.lamp.restarts.pop(), "new firmware");
    this.restart();
  }
}

test("manifest, start, blocks by multicast, activate, confirm: it runs from the other slot", () => {
  const site = new Site();
  const release = new Release();
  site.activate(release);
  const trial = site.state();
  equal([trial.phase, trial.slot, trial.runs, trial.onTrial], [6, 1, 1, true]);
  equal(site.slots.flashes[1].snapshot().slice(0, 5000), release.image);
  equal(site.act(ACTION.CONFIRM, release), "2.04");
  site.restart();
  const after = site.state();
  equal([after.phase, after.slot, after.runs, after.onTrial], [0, 1, 1, false]);
  site.activate(new Release({ sequence: 2, fill: 2 }));
  equal([site.state().slot, site.state().runs], [0, 2], "and back into the first one");
});

test("a trial that nobody confirms is over at the next start, whatever caused it", () => {
  const site = new Site();
  const release = new Release();
  site.activate(release);
  site.restart();
  const state = site.state();
  equal([state.phase, state.slot, state.runs, state.onTrial], [7, 0, 0, false]);
  equal(site.act(ACTION.CONFIRM, release), "4.09");
  equal(site.act(ACTION.ACTIVATE, release), "2.04", "it is still there to be tried again");
  site.pass(2);
  site.restart();
  equal([site.state().slot, site.state().onTrial], [1, true]);
});

test("a trial is rolled back by command, and by itself after half an hour", () => {
  const site = new Site();
  const release = new Release();
  equal(site.install(release), "2.04");
  equal(site.act(ACTION.ROLL_BACK, release), "4.09");
  site.activate(release);
  equal(site.act(ACTION.ROLL_BACK, release), "2.04");
  site.pass(2);
  equal(site.channel.lamp.restarts.pop(), "back to the old firmware");
  site.restart();
  equal([site.state().phase, site.state().slot], [7, 0]);
  const other = new Site();
  other.activate(release);
  other.pass(1802);
  equal(other.channel.lamp.restarts.pop(), "new firmware not confirmed");
});

test("manifests: only the signer's, for this kind of device, not too large, not older", () => {
  const site = new Site(new TestSlots(8192));
  equal(site.install(new Release({ seed: new Uint8Array(32).fill(9) })), "4.03");
  equal(site.install(new Release({ kind: "other" })), "4.09");
  equal(site.install(new Release({ size: 8193 })), "4.09");
  equal(site.install(new Release({ sequence: 0 })), "4.09");
  equal(site.channel.code(PUT, "fw/manifest", new Uint8Array(600)), "4.00");
  equal(site.channel.code(PUT, "fw/manifest", encode(1)), "4.00");
  equal(site.state().phase, 0);
  const unkeyed = new Channel(5, { slots: new TestSlots(), rights: RIGHTS });
  equal(unkeyed.code(PUT, "fw/manifest", new Release().signed), "4.09");
  const slotless = new Channel(5, { rights: RIGHTS, firmwareKey: releaseKey() });
  equal(slotless.code(GET, "fw/state"), "4.04");
});

test("versions do not go back, but where the manifest says so", () => {
  const site = new Site();
  const five = new Release({ sequence: 5 });
  site.activate(five);
  equal(site.install(new Release({ sequence: 6 })), "4.09", "while one is on trial");
  equal(site.act(ACTION.CONFIRM, five), "2.04");
  for (const sequence of [5, 4, 1]) equal(site.install(new Release({ sequence })), "4.09");
  equal(site.install(new Release({ sequence: 4, replaces: 4 })), "4.09", "from 4, but 5 runs");
  const back = new Release({ sequence: 4, replaces: 5 });
  site.activate(back);
  equal(site.act(ACTION.CONFIRM, back), "2.04");
  equal(site.state().runs, 4);
  site.restart();
  equal(site.install(new Release({ sequence: 4, fill: 2 })), "4.09");
  equal(site.install(new Release({ sequence: 5 })), "2.04");
});

test("blocks: checked one by one, in whatever order, dropped by name", () => {
  const site = new Site();
  const release = new Release();
  equal(site.send(release.block(0)), "unsupported", "no manifest");
  equal(site.install(release), "2.04");
  equal(site.send(release.block(0)), "unsupported", "not started");
  equal(site.act(ACTION.START, release), "2.04");
  site.pass(3);
  equal(site.send(release.block(19)), "accepted", "the last one, which is shorter");
  equal(site.send(release.block(7)), "accepted");
  equal(site.send(release.block(7)), "duplicate");
  const wrong = release.bytes(3);
  wrong[0] ^= 1;
  equal(site.send(release.block(3, wrong)), "forged");
  equal(site.send(release.block(3, release.bytes(3), release.path(4))), "forged");
  equal(site.send(release.block(3, release.bytes(4), release.path(4))), "forged");
  equal(site.send(release.block(3, release.bytes(3).subarray(1))), "forged");
  equal(site.send(release.block(3, release.bytes(3), new Uint8Array(14 * 32))), "forged");
  equal(site.send(new Release({ sequence: 2 }).block(3)), "unsupported");
  equal(site.send(encode([1, 20, release.bytes(3), release.path(3)])), "malformed");
  equal(site.send(encode([1, -1, release.bytes(3), release.path(3)])), "malformed");
  equal(site.send(encode([1, 3, release.bytes(3)])), "malformed");
  equal(site.send(Uint8Array.of(0xff)), "malformed");
  const { received, missing, counts } = site.state();
  equal([received, missing, counts], ["2/20", [0, 7, 8, 11], [1, 5, 3, 0]]);
  equal(site.send(release.block(3)), "accepted");
});

test("an action is about one manifest, and fits its phase", () => {
  const site = new Site();
  const release = new Release();
  equal(site.act(ACTION.START, release), "4.09", "no manifest");
  equal(site.install(release), "2.04");
  equal(site.act(ACTION.START, new Release({ sequence: 2 })), "4.09");
  equal(site.act(ACTION.ACTIVATE, release), "4.09");
  equal(site.act(ACTION.CONFIRM, release), "4.09");
  equal(site.act(9, release), "4.00");
  site.begin(release);
  equal(site.act(ACTION.ACTIVATE, release), "4.09", "blocks are missing");
  equal(site.act(ACTION.CANCEL, release), "2.04");
  equal(site.state().phase, 0);
  equal(site.slots.activations, 0);
});

test("progress survives a restart; the manifest said again changes nothing", () => {
  const site = new Site();
  const release = new Release();
  site.begin(release);
  for (let index = 0; index < 12; index++) equal(site.send(release.block(index)), "accepted");
  site.pass(3);
  equal(site.install(release), "2.04");
  site.restart();
  equal([site.state().received, site.state().missing], ["12/20", [12, 8]]);
  for (let index = 12; index < 20; index++) equal(site.send(release.block(index)), "accepted");
  site.pass(1);
  equal(site.state().phase, 5);
});

test("a new manifest takes the place of the one under way", () => {
  const site = new Site();
  site.begin(new Release());
  equal(site.send(new Release().block(0)), "accepted");
  const next = new Release({ sequence: 2, fill: 3 });
  site.activate(next);
  equal(site.state().runs, 2);
});

test("flash that is worse than what was written to it is found before it is started", () => {
  const site = new Site();
  const release = new Release();
  site.begin(release);
  for (let index = 0; index < 19; index++) equal(site.send(release.block(index)), "accepted");
  site.slots.flashes[1].flip(300, 4);
  equal(site.send(release.block(19)), "accepted");
  site.pass(2);
  equal(site.state().phase, 1, "to be started anew");
  equal(site.act(ACTION.ACTIVATE, release), "4.09");
  site.activate(release);
});

/** Sends what is missing until nothing is. */
function sendMissing(site: Site, release: Release): void {
  for (let round = 0; round < 6; round++) {
    const missing = site.state().missing as number[];
    for (let at = 0; at < missing.length; at += 2) {
      for (let i = 0; i < missing[at + 1]; i++) site.send(release.block(missing[at] + i));
    }
    site.pass(2);
    if (site.state().phase !== 3) return;
  }
}

function cut(site: Site, operation: number, fault: Fault, act: () => void): boolean {
  const [, spare] = site.slots.flashes;
  spare.operations = 0;
  spare.cutAt(operation, fault);
  try {
    act();
    return false;
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return true;
  } finally {
    spare.restart();
  }
}

for (const fault of FAULTS) {
  test(`a cut while the slot is erased or written costs blocks, never the image: ${fault}`, () => {
    for (const operation of [1, 2, 3, 7, 21]) {
      const site = new Site();
      const release = new Release();
      site.slots.flashes[1].program(0, new Uint8Array(4096 * 2));
      equal(site.install(release), "2.04");
      const isCut = cut(site, operation, fault, () => {
        equal(site.act(ACTION.START, release), "2.04");
        site.pass(3);
        site.sendAll(release);
      });
      equal(isCut, true, `operation ${operation}`);
      site.restart();
      // Until the maintainer gives up what was not answered.
      site.pass(300);
      sendMissing(site, release);
      equal(site.state().phase, 5, `operation ${operation}`);
      equal(site.act(ACTION.ACTIVATE, release), "2.04");
      site.pass(2);
      site.restart();
      equal([site.state().slot, site.state().onTrial], [1, true]);
    }
  });
}

test("blocks need level 2, and a manifest a channel", () => {
  const site = new Site();
  const release = new Release();
  site.begin(release);
  const block = { path: "fw/block", payload: release.block(0) };
  equal(verdict(site.channel.lamp, craft({ sequence: 1, sender: 9, ...block })), "forbidden");
  const manifest = { path: "fw/manifest", payload: release.signed, code: PUT };
  equal(verdict(site.channel.lamp, craft({ sequence: 1, ...manifest })), "forbidden");
});

test("after a factory reset versions still do not go back", () => {
  const site = new Site();
  const five = new Release({ sequence: 5 });
  site.activate(five);
  equal(site.act(ACTION.CONFIRM, five), "2.04");
  equal(site.channel.code(POST, "3/0/5"), "2.04");
  site.pass(2);
  const { lamp, room } = site.channel;
  const refused = () => {
    try {
      lamp.restart();
    } catch {
      return true;
    }
    return false;
  };
  equal(refused(), true, "the old keys");
  const key = { keys: [{ id: 7, fill: 0xb2 }], firmwareKey: releaseKey(), slots: site.slots };
  const again = room.luminaireOn(20, lamp.flash, key);
  const { firmware } = again.device.role.face.upkeep ?? {};
  equal(firmware?.install(new Release({ sequence: 5 }).signed).code, 137);
  equal(firmware?.install(new Release({ sequence: 6 }).signed).code, 68);
});
