/**
 * Joins a device by a press alone, where that was allowed: its factory key is believed the first
 * time, and no other from then on; a person has to see that the lamp which blinks is the one that
 * was pressed, and to say so, before anything leaves. It is alone then: where a second device lets
 * itself be joined by a press, nobody knows whose blinking was seen, and neither is joined. What
 * such a join gives ends at level 2.
 */
import { pinOf } from "../../modules/authority/joiners.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { toHex } from "../../modules/bytes/hex.js";
import { CHANGED, CONTENT, GET } from "../../modules/coap/options.js";
import type { ClientCredentials } from "../../modules/dtls/credentials.js";
import type { Ask } from "../../modules/secure/request.js";
import type { Authority } from "./authority.js";
import type { Finder } from "./finding.js";
import {
  blinking,
  Failed,
  JoinFlow,
  type Joining,
  type JoinPlace,
  type JoinWish,
} from "./join-flow.js";
import { NEXT, WHY } from "./join-parts.js";
import type { Found } from "./seek.js";

/** Longer than a look, so that it goes on while a person looks. */
const BLINK_SECONDS = 20;
const SHOWN_BYTES = 4;

export interface Press {
  readonly finder: Finder;
  readonly device: Found;
  /** Whether this lamp blinks; undefined: nobody answered. */
  readonly confirm: (question: string) => Promise<boolean | undefined>;
  /** Who confirmed, for the log. */
  readonly by: string;
  /** Looks once; others that let themselves be joined by a press. */
  readonly others: () => Promise<readonly Found[]>;
}

/** Two at once; nobody is joined any more. */
export class TwoDevices extends Failed {
  constructor(all: readonly Found[]) {
    const names = all.map(({ eui64 }) => eui64).join(", ");
    super(`another device was pressed as well (${names}): none of them is joined`, NEXT.alone);
  }
}

export async function joinByPress(
  place: JoinPlace,
  wish: JoinWish,
  press: Press,
): Promise<{ joining: Joining; isRace: boolean }> {
  const { device, by } = press;
  const flow = new JoinFlow(place, wish);
  let isRace = false;
  const joining = await flow.run(async () => {
    flow.begin("find");
    flow.done(`${device.role} ${device.eui64}`);
    flow.begin("greet");
    const { ask, key } = await greet(flow, press);
    flow.done(`its factory key is ${toHex(key.subarray(0, SHOWN_BYTES))}...`);
    flow.begin("confirm");
    try {
      await confirmed(press, ask);
    } catch (error) {
      isRace = error instanceof TwoDevices;
      await ask(blinking(0));
      throw error;
    }
    flow.done("it is the one that blinks");
    const how = `by a press, with factory key ${toHex(key)}, ${by}`;
    return flow.handOver({ device, proof: "press", key, how, ask });
  });
  return { joining, isRace };
}

/** The key that it shows, and how to ask it more. */
async function greet({ place }: JoinFlow, { finder, device }: Press) {
  const { authority } = place;
  const pinned = await authority.read((rows) => pinOf(rows, device.eui64));
  const shown: { key: Uint8Array | undefined } = { key: undefined };
  const credentials = credentialsFor(authority, pinned, (key) => {
    shown.key = key;
  });
  const ask = (question: Ask) => finder.ask(device, credentials, question);
  const answer = await ask({ method: GET, path: ["join"] });
  const { key } = shown;
  if (answer.ok && answer.response.code === CONTENT && key !== undefined) return { ask, key };
  if (!answer.ok && answer.why === "closed") throw new Failed(WHY.race, NEXT.race);
  const isOther = pinned !== undefined && key !== undefined && !equalBytes(pinned, key);
  if (isOther) {
    throw new Failed("its factory key is another one than at its first join", NEXT.other);
  }
  throw new Failed("it does not let itself be joined by a press alone", NEXT.code);
}

/** Our own key, and the device's first one. */
function credentialsFor(
  { crypto, channel }: Authority,
  pinned: Uint8Array | undefined,
  show: (sum: Uint8Array) => void,
): ClientCredentials {
  const rawKey = (publicKey: Uint8Array) => {
    const sum = crypto.sha256(publicKey);
    show(sum);
    const isKnown = pinned === undefined || equalBytes(pinned, sum);
    return isKnown;
  };
  return { own: { key: channel, chain: [] }, trust: { rawKey } };
}

/** Throws where nobody says so, or another device was pressed meanwhile. */
async function confirmed(press: Press, ask: (ask: Ask) => ReturnType<Finder["ask"]>) {
  const { device, confirm, others } = press;
  const blinks = await ask(blinking(BLINK_SECONDS));
  if (!blinks.ok || blinks.response.code !== CHANGED) throw new Failed(WHY.race, NEXT.race);
  let said: boolean | "waits" | undefined = "waits";
  void confirm(`does ${device.role} ${device.eui64} blink, which you pressed? join it?`).then(
    (answer) => {
      said = answer;
    },
  );
  do {
    const more = await others();
    if (more.length > 0) throw new TwoDevices([device, ...more]);
    const goesOn = await ask(blinking(BLINK_SECONDS));
    if (!goesOn.ok) throw new Failed(WHY.race, NEXT.race);
  } while (said === "waits");
  if (said === undefined) throw new Failed("nobody has confirmed that it blinks", NEXT.confirm);
  if (said === false) throw new Failed("you said that it is not the one", NEXT.other);
}
