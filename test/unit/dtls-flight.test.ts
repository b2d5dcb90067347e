/** When a flight is sent again (RFC 6347 §4.2.4.1), and that many at once do not keep step. */
import { FLIGHT_TIMES, Flight, type FlightTimes } from "../../modules/dtls/flight.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { SeededRandom } from "../support/random.js";

const SECOND = 1_000_000;

/** Milliseconds at which an unanswered flight is sent. */
function sentAt(times: FlightTimes, seed: number): number[] {
  const clock = new TestClock();
  const sent: number[] = [];
  const flight = new Flight({ clock, random: new SeededRandom(seed) }, times, {
    transmit: () => sent.push(Math.floor(clock.micros() / 1000)),
    isOver: () => false,
    expire: () => sent.push(-1),
  });
  flight.send([{ type: 22, epoch: 0, bytes: new Uint8Array(12) }], true);
  clock.advance(300 * SECOND);
  return sent;
}

test("without a spread: after a second, and then twice as long each time", () => {
  equal(sentAt(FLIGHT_TIMES, 1), [0, 1000, 3000, 7000, 15_000, 31_000, 63_000, -1]);
});

test("a hundred that begin at one moment do not repeat themselves at one", () => {
  const times = { ...FLIGHT_TIMES, firstMicros: 3 * SECOND, spreadMicros: 3 * SECOND };
  const first = Array.from({ length: 100 }, (_, seed) => sentAt(times, seed + 1)[1]);
  equal(Math.min(...first) >= 3000 && Math.max(...first) <= 6000, true);
  equal(new Set(first.map((millis) => Math.floor(millis / 100))).size > 20, true);
});
