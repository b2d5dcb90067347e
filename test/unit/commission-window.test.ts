/** The window in which a device lets itself be joined. */
import {
  type Closing,
  GUESSES_MAX,
  WINDOW_SECONDS,
  Window,
} from "../../modules/commission/window.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";

const SECOND = 1_000_000;

function pressed() {
  const clock = new TestClock();
  const window = new Window(clock);
  const seen: (Closing | "open")[] = [];
  window.onChange = (why) => void seen.push(why ?? "open");
  window.press();
  return { clock, window, seen };
}

test("a press opens it for its time, a second one closes it", () => {
  const { clock, window, seen } = pressed();
  clock.advance(WINDOW_SECONDS * SECOND - 1);
  equal(window.isOpen, true);
  clock.advance(1);
  equal(window.isOpen, false);
  window.press();
  window.press();
  equal(seen, ["open", "time", "open", "press"]);
});

test("failures never make it longer, and one too many ends it", () => {
  const { clock, window, seen } = pressed();
  for (let i = 1; i < GUESSES_MAX; i++) {
    clock.advance(SECOND);
    window.failed();
    equal(window.isOpen, true, `after ${i}`);
  }
  equal(window.admits("a"), true);
  window.failed();
  equal(seen, ["open", "guesses"]);
  equal(window.admits("a"), false);
});

test("its time is not made longer by failures or by a joiner", () => {
  const { clock, window, seen } = pressed();
  clock.advance((WINDOW_SECONDS - 1) * SECOND);
  window.failed();
  window.admits("a");
  clock.advance(SECOND);
  equal(seen, ["open", "time"]);
});

test("failures of a window before do not count", () => {
  const { window } = pressed();
  for (let i = 0; i < GUESSES_MAX; i++) window.failed();
  window.press();
  window.failed();
  equal(window.isOpen, true);
});

test("one joiner goes on, a second one ends it for both", () => {
  const { window, seen } = pressed();
  equal(window.admits("a"), true);
  equal(window.admits("a"), true);
  equal(window.admits("b"), false);
  equal(window.admits("a"), false);
  equal(seen, ["open", "two joiners"]);
});

test("nobody is admitted while it is closed", () => {
  const window = new Window(new TestClock());
  equal(window.admits("a"), false);
  window.failed();
  window.press();
  equal(window.admits("b"), true);
});

test("who joined has closed it", () => {
  const { clock, window, seen } = pressed();
  equal(window.admits("a"), true);
  window.joined();
  clock.advance(2 * WINDOW_SECONDS * SECOND);
  equal(seen, ["open", "joined"]);
});
