import { toHex } from "../../modules/bytes/hex.js";
import type { Drop } from "../../modules/bytes/outcome.js";
import { GET } from "../../modules/coap/options.js";
import { Device } from "../../modules/device/device.js";
import type { Board } from "../../modules/ports/board.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import type { Flash } from "../../modules/ports/flash.js";
import {
  type BoundIntake,
  DECLINED,
  type Intake,
  type IntakeState,
  LINE_BYTES,
  LINE_GROUP,
  LINE_IV,
  LINE_KEY_ID,
  LINE_KEY_ID_LENGTH,
  LINE_OPEN,
  LINE_PREFIX,
  LINE_PREFIX_LENGTH,
  RESULT_BYTES,
  TABLE_HEAD_BYTES,
  TABLE_LINES,
  TABLE_OWN,
  TABLE_OWN_LENGTH,
  TABLE_PORT_COUNT,
  TABLE_PORTS,
} from "../../modules/ports/intake.js";
import { equal, test, throws } from "../harness.js";
import { address } from "../support/addresses.js";
import { TestClock } from "../support/clock.js";
import { craft, memberEndpoint, OFF, ON, withBytes } from "../support/craft.js";
import { Net } from "../support/net.js";
import { type IntakeProvider, intakeProviders } from "../support/providers.js";
import { SeededRandom } from "../support/random.js";
import { provisioning, ROLE, type Spec } from "../support/rig.js";

/** Counts what the device asks of native help. */
class Watched implements Intake {
  readonly states: IntakeState[] = [];
  readonly answers: number[] = [];
  refuses = false;
  readonly #intake: Intake;

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  bind(state: IntakeState): BoundIntake {
    if (this.refuses) throw new RangeError("no room");
    this.states.push([...state]);
    const bound = this.#intake.bind(state);
    return {
      open: (bytes, to, port) => {
        const answer = bound.open(bytes, to, port);
        this.answers.push(answer);
        return answer;
      },
    };
  }

  /** Messages it opened. */
  get opened(): number {
    return this.answers.filter((answer) => answer >= 0).length;
  }
}

class Lamp {
  readonly device: Device;
  readonly intake: Watched;
  readonly flash: Flash;
  readonly shown: number[] = [];
  readonly clock = new TestClock(1_000_000);
  readonly net = new Net(this.clock);

  constructor(provider: IntakeProvider, more: Partial<Spec> = {}) {
    const blob = provisioning({ number: 20, role: ROLE.LUMINAIRE, settings: [[0, 0]], ...more });
    this.intake = new Watched(provider.intake());
    this.flash = provider.flash();
    const board: Board = {
      clock: this.clock,
      random: new SeededRandom(1),
      crypto: provider.crypto(),
      intake: this.intake,
      flash: this.flash,
      trace: { count: () => {} },
      light: { failed: false, show: ({ level }) => void this.shown.push(level) },
      button: { onEdge: undefined },
      sensor: { onMotion: undefined, onLux: undefined },
      datagram: this.net.port(address(0xfd00, 20)),
      provisioning: () => blob,
      log: () => {},
      fatal: (line) => {
        throw new Error(line);
      },
    };
    this.device = Device.start(board);
  }

  hear(datagram: Datagram): Drop | "accepted" {
    const outcome = this.device.receive(datagram);
    return outcome.ok ? "accepted" : outcome.drop;
  }

  get position(): number {
    return new Int32Array(this.device.store.journal.cursor)[0];
  }

  rekey(keyId: number, fill: number): void {
    const { directory, keyring } = this.device.groups;
    const security = directory.security(1);
    if (security === undefined) throw new Error("no security group 1");
    const raw = new Uint8Array(16).fill(fill);
    const offer = { keyId: Uint8Array.of(keyId), raw, validitySeconds: undefined };
    equal(keyring.install(security, { ...offer, messages: undefined }).ok, true);
  }
}

/** A line of the tables. */
function lineOf([tables]: IntakeState, number: number): DataView {
  return new DataView(tables, TABLE_HEAD_BYTES + LINE_BYTES * number, LINE_BYTES);
}

function textOf(line: DataView, at: number, length: number): string {
  return toHex(new Uint8Array(line.buffer, line.byteOffset + at, length));
}

for (const provider of intakeProviders()) {
  const named = (name: string, fn: () => void) => test(`${provider.name}: ${name}`, fn);

  named("the tables say who this is, which ports, and each group with its key", () => {
    const lamp = new Lamp(provider, {
      appGroups: [
        [1, 1],
        [0xfffffffe, 2],
      ],
    });
    lamp.hear(craft({ sequence: 1 }));
    equal(lamp.intake.states.length, 1);
    const [state] = lamp.intake.states;
    const head = new DataView(state[0]);
    equal(head.byteLength, TABLE_HEAD_BYTES + 2 * LINE_BYTES);
    equal(
      [TABLE_LINES, TABLE_PORT_COUNT, TABLE_OWN_LENGTH].map((at) => head.getUint8(at)),
      [2, 1, 1],
    );
    equal([head.getUint16(TABLE_PORTS), head.getUint32(TABLE_OWN + 4)], [5683, 20]);
    equal(
      [lineOf(state, 0), lineOf(state, 1)].map((line) => line.getUint32(LINE_GROUP)),
      [1, 0xfffffffe],
    );
    const line = lineOf(state, 0);
    equal([line.getUint8(LINE_OPEN), line.getUint8(LINE_KEY_ID_LENGTH)], [1, 1]);
    equal(line.getUint8(LINE_KEY_ID), 7);
    // From ../vectors/lowlatency.json: IV of this key, beginning of the external_aad.
    equal(textOf(line, LINE_IV, 13), "3e1ddcdb14873e3cb541a7bfab");
    equal(textOf(line, LINE_PREFIX, line.getUint8(LINE_PREFIX_LENGTH)), "8b010a014107");
    equal([state[1].byteLength, state[6].length], [RESULT_BYTES, 2]);
  });

  named("a first contact is declined, what follows is opened, shown and marked", () => {
    const lamp = new Lamp(provider);
    equal(lamp.hear(craft({ sequence: 1, payload: OFF })), "accepted");
    equal(lamp.intake.answers, [DECLINED]);
    equal(lamp.hear(craft({ sequence: 2, payload: ON })), "accepted");
    equal([lamp.intake.opened, lamp.shown.at(-1)], [1, 254]);
    equal(lamp.hear(craft({ sequence: 2, payload: ON })), "replayed");
    equal(lamp.hear(craft({ sequence: 1, payload: ON })), "replayed");
    equal(lamp.hear(craft({ sequence: 3, fill: 0x12 })), "forged");
    equal([lamp.intake.opened, lamp.intake.answers.includes(DECLINED, 1)], [1, false]);
  });

  named("payloads of several sizes, one after the other", () => {
    const lamp = new Lamp(provider);
    lamp.hear(craft({ sequence: 0 }));
    const level = (value: number) => Uint8Array.of(0xa1, 0x01, 0x18, value);
    equal(lamp.hear(craft({ sequence: 1, payload: level(100) })), "accepted");
    equal(lamp.hear(craft({ sequence: 2, payload: OFF })), "accepted");
    equal(lamp.hear(craft({ sequence: 3, payload: level(77) })), "accepted");
    equal(lamp.shown.slice(-3), [100, 0, 77]);
    equal(lamp.hear(craft({ sequence: 4, payload: Uint8Array.of(0xa0) })), "malformed");
    equal(lamp.hear(craft({ sequence: 4 })), "replayed", "it was used up");
  });

  named("what flash does not vouch for is not acted on", () => {
    const lamp = new Lamp(provider);
    lamp.hear(craft({ sequence: 1, payload: OFF }));
    const shown = lamp.shown.length;
    provider.refuse(lamp.flash, lamp.position);
    equal(lamp.hear(craft({ sequence: 2, payload: ON })), "storeFailed");
    equal([lamp.shown.length, lamp.intake.opened <= 1], [shown, true]);
    equal(lamp.hear(craft({ sequence: 2, payload: ON })), "accepted", "it was not used up");
    equal(lamp.shown.at(-1), 254);
  });

  named("a request that is no command is answered, bound to what asked", () => {
    const lamp = new Lamp(provider);
    lamp.hear(craft({ sequence: 1 }));
    // What was read last is another message's.
    lamp.hear(craft({ sequence: 9, appGroup: 99 }));
    const to = memberEndpoint(20);
    const wish = { code: GET, path: "3/0/0", payload: undefined, token: Uint8Array.of(7, 9) };
    equal(lamp.hear(craft({ sequence: 2, to, ...wish })), "accepted");
    equal(lamp.intake.opened, 1);
    lamp.clock.advance(10_000_000);
    equal(lamp.net.sent.length, 1);
    const { bytes, to: back } = lamp.net.sent[0];
    equal([toHex(bytes.subarray(4, 6)), toHex(back.address)], ["0709", toHex(address(0xfd00, 1))]);
  });

  named("nonsense inside a genuine message is malformed and uses up nothing", () => {
    const lamp = new Lamp(provider);
    lamp.hear(craft({ sequence: 1 }));
    const nested = [{ number: 9, value: Uint8Array.of(0) }];
    equal(lamp.hear(craft({ sequence: 2, options: nested })), "malformed");
    equal(lamp.intake.opened, 1);
    equal(lamp.hear(craft({ sequence: 2 })), "accepted");
  });

  named("while a key is replaced, or has an end, the reference decides", () => {
    const lamp = new Lamp(provider);
    lamp.hear(craft({ sequence: 1 }));
    lamp.rekey(8, 0xb2);
    equal(lamp.hear(craft({ sequence: 2 })), "accepted");
    equal(lamp.hear(craft({ sequence: 3, keyId: 8, fill: 0xb2 })), "accepted");
    equal(lamp.hear(craft({ sequence: 4, keyId: 8, fill: 0xb2 })), "accepted");
    equal(lamp.intake.states.length, 2, "bound again when the directory had changed, once");
    const [, state] = lamp.intake.states;
    equal(
      [0, 1].map((i) => lineOf(state, i).getUint8(LINE_OPEN)),
      [0, 0],
    );
    equal(lamp.intake.opened, 0);
    const ending = new Lamp(provider, { keys: [{ id: 7, fill: 0xa1, messages: 9 }] });
    for (let sequence = 0; sequence < 3; sequence++) ending.hear(craft({ sequence }));
    equal([ending.intake.opened, lineOf(ending.intake.states[0], 0).getUint8(LINE_OPEN)], [0, 0]);
  });

  named("a group without a key is known, and nothing of it is opened", () => {
    const lamp = new Lamp(provider, { keys: [] });
    equal(lamp.hear(craft({ sequence: 1 })), "unknownKey");
    equal(lamp.hear(craft({ sequence: 1, appGroup: 2 })), "unknownGroup");
    equal(lineOf(lamp.intake.states[0], 0).getUint8(LINE_OPEN), 0);
  });

  named("tables that could not be bound are not asked, nor those before", () => {
    const lamp = new Lamp(provider);
    lamp.hear(craft({ sequence: 1 }));
    lamp.rekey(8, 0xb2);
    lamp.intake.refuses = true;
    const asked = lamp.intake.answers.length;
    for (const sequence of [2, 3]) throws(() => lamp.hear(craft({ sequence })), /no room/);
    equal(lamp.intake.answers.length, asked);
    lamp.intake.refuses = false;
    equal(lamp.hear(craft({ sequence: 2 })), "accepted");
  });

  named("damage is refused, whoever looks", () => {
    const lamp = new Lamp(provider);
    const good = craft({ sequence: 2 });
    lamp.hear(craft({ sequence: 1 }));
    for (let at = 0; at < good.bytes.length; at++) {
      if (at === 2 || at === 3) continue;
      const bad = withBytes(good, (bytes) => {
        bytes[at] ^= 0x21;
      });
      equal(lamp.hear(bad) === "accepted", false, `byte ${at}`);
    }
    equal(lamp.hear(good), "accepted");
  });
}
