import { Recipients } from "../../modules/oscore/recipients.js";
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test } from "../harness.js";
import { bytesOf, formatted, opened, tidyUp } from "../support/partition.js";
import { SeededRandom } from "../support/random.js";

/** FACTS.md: 50 senders, 200 messages a day each, 20 years. */
const SENDERS = 50;
const MESSAGES = SENDERS * 200 * 365 * 20;

/**
 * Erases of each sector in 20 years, by simulating a part of them: every message comes alone, so
 * every one needs its exact bound; scenes, rights, keys and settings lie in between and have to be
 * copied around.
 */
function erasesIn20Years(unit: number, sectors: number): number {
  const flash = formatted(unit, sectors);
  const store = opened(flash);
  const random = new SeededRandom(3);
  for (let i = 0; i < 60; i++) store.put(key(KIND.SCENE, i), bytesOf(16, i));
  const recipients = new Recipients({ store, capacity: 100 });
  const id = new Uint8Array(8).fill(0x11);
  for (let i = 0; i < SENDERS; i++) {
    id[7] = i;
    recipients.admit(0, { bytes: id, start: 0, length: 8, sequence: 1_000_000 });
  }
  const run = (messages: number) => {
    for (let i = 0; i < messages; i++) {
      const row = random.below(SENDERS);
      equal(recipients.mark(row, 1_000_001 + offset++), true);
      recipients.idle();
      tidyUp(store);
    }
  };
  let offset = 0;
  // Twice around, then twice again: what is counted begins with a ring in use.
  const messages = Math.ceil((2 * sectors * 4096) / (unit === 4 ? 12 : 32));
  run(messages);
  const { erases } = store;
  run(messages);
  return ((store.erases - erases) / messages / sectors) * MESSAGES;
}

/** The figures of store.ts, "wear", with a twentieth to spare. */
for (const [unit, sectors, cycles, share] of [
  [4, 64, 10_000, 0.41],
  [4, 32, 10_000, 0.82],
  [16, 16, 100_000, 0.53],
]) {
  const name = `20 years on ${sectors * 4} KB with program units of ${unit} bytes`;
  test(`${name} take less than ${share * 100} % of ${cycles} cycles`, () => {
    const used = erasesIn20Years(unit, sectors) / cycles;
    equal(used < share, true, `used ${used}`);
    equal(used > share * 0.9, true, `used ${used}: the figures of store.ts are out of date`);
  });
}

test("a burst takes one write for 32 messages, a single message one", () => {
  const store = opened(formatted(4));
  const recipients = new Recipients({ store, capacity: 4 });
  const bytes = new Uint8Array([7]);
  const row = recipients.admit(1, { bytes, start: 0, length: 1, sequence: 0 });
  recipients.idle();
  let { writes } = store;
  for (let n = 1; n <= 20; n++) {
    recipients.mark(row, n);
    recipients.idle();
  }
  equal(store.writes - writes, 20);
  writes = store.writes;
  for (let n = 21; n < 21 + 4 + 320; n++) recipients.mark(row, n);
  equal(store.writes - writes, 4 + 10);
  recipients.idle();
  // The last bound was used up: exact already.
  equal(store.writes - writes, 14);
});
