/** The time that an Authorization Server signs, at a device that asks for it. */
import { parseTimeAsk } from "../../modules/access/ace.js";
import { signTime } from "../../modules/authority/server.js";
import { CONTENT } from "../../modules/coap/options.js";
import { Times } from "../../modules/groups/times.js";
import type { Ask, Told } from "../../modules/secure/request.js";
import { equal, test } from "../harness.js";
import { parties } from "../support/authority.js";
import { TestClock } from "../support/clock.js";
import { Place } from "../support/place.js";
import { SeededRandom } from "../support/random.js";
import { ROLE } from "../support/rig.js";

const HOUR = 3_600_000_000;
const NOW = 1_790_000_000;

/** A device that asks, and whoever answers. */
function asking(answer: (nonce: Uint8Array) => Uint8Array | undefined) {
  const { crypto, signer } = parties();
  const clock = new TestClock();
  const seen: number[] = [];
  let asked = 0;
  const ask = ({ payload = new Uint8Array(0) }: Ask, done: Told) => {
    asked++;
    const said = answer(parseTimeAsk(payload) ?? new Uint8Array(0));
    if (said === undefined) done({ ok: false, why: "timeout" });
    else done({ ok: true, response: { code: CONTENT, payload: said } });
  };
  const trust = { see: (seconds: number) => seen.push(seconds) > 0 };
  const { publicKey } = signer;
  new Times({ clock, random: new SeededRandom(4), crypto, trust, publicKey, ask }).begin();
  return { clock, seen, asked: () => asked };
}

const signed = (nonce: Uint8Array, now = NOW) => signTime(parties().as, { now, nonce });

test("once a minute after the start, then once a day", () => {
  const { clock, seen, asked } = asking((nonce) => signed(nonce));
  clock.advance(HOUR / 60);
  equal(seen, [NOW]);
  clock.advance(23 * HOUR);
  equal(asked(), 1);
  clock.advance(2 * HOUR);
  equal(seen, [NOW, NOW]);
});

test("where nobody answers, less and less often", () => {
  const { clock, seen, asked } = asking(() => undefined);
  clock.advance(24 * HOUR);
  equal([seen, asked() > 5, asked() < 12], [[], true, true]);
});

test("a time signed for others, by others or not at all counts for nothing", () => {
  const { crypto } = parties();
  const stranger = crypto.signatures?.signer(new Uint8Array(32).fill(8));
  if (stranger === undefined) throw new Error("no signatures");
  const voucher = { alg: -8, signer: stranger } as const;
  const answers = [
    () => signed(new Uint8Array(8)),
    (nonce: Uint8Array) => signTime({ ...parties().as, voucher }, { now: NOW, nonce }),
    () => new Uint8Array(3),
    (nonce: Uint8Array) => signed(nonce, 0),
  ];
  const all = answers.map((answer) => {
    const { clock, seen } = asking(answer);
    clock.advance(HOUR);
    return seen;
  });
  equal(all, [[], [], [], []]);
});

test("a device asks where it was given the server's key, and knows what is over", () => {
  const place = new Place();
  const { publicKey } = parties().signer;
  const told = place.device(1, ROLE.LUMINAIRE, { authority: place.part(1, [[9, publicKey]]) });
  const untold = place.device(2, ROLE.LUMINAIRE);
  place.pass(120);
  const asked = place.asked.filter((one) => one.startsWith("time"));
  equal(asked, ["time@1"]);
  equal((told.device.channels?.trust.now() ?? 0) >= NOW, true);
  equal(
    untold.log.some((line) => /time/.test(line)),
    false,
  );
});
