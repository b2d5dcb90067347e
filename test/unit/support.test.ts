import { fromHex } from "../../modules/bytes/hex.js";
import { equal, test, throws } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { Net } from "../support/net.js";
import { SeededRandom } from "../support/random.js";

const A = fromHex("fd000000000000000000000000000001");
const B = fromHex("fd000000000000000000000000000002");
const C = fromHex("fd000000000000000000000000000003");
const GROUP = fromHex("ff150000000000000000000000000001");

test("test clock fires by time, then by age, and moves time as it goes", () => {
  const clock = new TestClock(100);
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name}@${clock.micros()}`);
  clock.after(20, note("late"));
  clock.after(10, note("first"));
  clock.after(10, note("second"));
  const never = clock.after(15, note("never"));
  clock.after(12, () => clock.after(0, note("nested")));
  clock.cancel(never);
  equal(clock.nextMicros, 110);
  clock.advance(15);
  equal(seen, ["first@110", "second@110", "nested@112"]);
  equal(clock.micros(), 115);
  clock.advanceTo(1000);
  equal(seen[3], "late@120");
  equal(clock.pending, 0);
  throws(() => clock.advanceTo(999));
  throws(() => clock.after(-1, () => {}));
});

test("seeded random repeats, and differs by seed", () => {
  const draw = (seed: number) => {
    const bytes = new Uint8Array(16);
    new SeededRandom(seed).fill(bytes);
    return bytes.join();
  };
  equal(draw(7), draw(7));
  equal(draw(7) === draw(8), false);
  const random = new SeededRandom(1);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i++) counts[random.below(4)]++;
  equal(
    counts.every((count) => count > 850 && count < 1150),
    true,
  );
});

test("net delivers to address and group, loses and duplicates by script", () => {
  const clock = new TestClock();
  const net = new Net(clock, 500);
  const ports = [A, B, C].map((address) => net.port(address));
  const seen: string[] = [];
  ports.forEach((port, i) => {
    port.onDatagram = (d) => seen.push(`${i}<${d.from.port}:${d.bytes[0]}@${d.atMicros}`);
  });
  ports[2].join(GROUP);
  ports[1].join(GROUP);
  ports[1].send({ to: { address: GROUP, port: 5683 }, fromPort: 7, bytes: Uint8Array.of(1) });
  clock.advance(1000);
  equal(seen, ["2<7:1@500"]);
  net.fate = (_sent, _receiver, index) => (index === 1 ? [] : [900, 100]);
  ports[0].send({ to: { address: B, port: 5683 }, fromPort: 8, bytes: Uint8Array.of(2) });
  ports[0].send({ to: { address: B, port: 5683 }, fromPort: 8, bytes: Uint8Array.of(3) });
  clock.advance(1000);
  equal(seen.slice(1), ["1<8:3@1100", "1<8:3@1900"]);
  ports[2].leave(GROUP);
  ports[0].refuses = true;
  const refused = { to: { address: GROUP, port: 1 }, fromPort: 1, bytes: new Uint8Array(0) };
  equal(ports[0].send(refused), false);
  equal(net.sent.length, 3);
});
