/**
 * Joins a fresh device by its label: finds it, proves to it that we have the label, and hands it
 * over to what all joins have in common (join-flow.ts).
 */
import { CONTENT, GET } from "../../modules/coap/options.js";
import { parseLabel } from "../../modules/commission/label.js";
import type { Ask } from "../../modules/secure/request.js";
import { Finder } from "./finding.js";
import {
  Failed,
  JoinFlow,
  type Joining,
  type JoinPlace,
  type JoinWish,
  type Proven,
} from "./join-flow.js";
import { NEXT, proofOf, WHY } from "./join-parts.js";
import type { Found } from "./seek.js";

export interface JoinArgs extends JoinWish {
  /** As printed; never said again. */
  readonly label: string;
}

/** Answers are spread over two seconds. */
const FIND_MS = 6000;
/** Guesses at devices that answer, where the code does not say which one it is of. */
const TRIED_MAX = 10;

interface Known {
  readonly printed: Uint8Array;
  readonly eui64: string | undefined;
}

export function joinByLabel(place: JoinPlace, args: JoinArgs): Promise<Joining> {
  const flow = new JoinFlow(place, args);
  return flow.run(async () => {
    flow.begin("label");
    const label = parseLabel(place.authority.crypto, args.label);
    if (!label.ok) throw new Failed(label.why, "type it again, or scan the QR code");
    flow.done("it reads well");
    const finder = await Finder.open(place.authority, place.side.network());
    try {
      return await handOver(flow, finder, label);
    } finally {
      finder.close();
    }
  });
}

/** The credential under which it will come back. */
async function handOver(flow: JoinFlow, finder: Finder, label: Known): Promise<Uint8Array> {
  flow.begin("find");
  const { eui64 } = label;
  const found = await finder.find(FIND_MS, (one) => one.eui64 === eui64);
  const wanted = found.filter((one) => eui64 === undefined || one.eui64 === eui64);
  if (wanted.length === 0) {
    const before = eui64 && (await flow.credentialOf(eui64));
    if (before) {
      flow.done("it does not wait to be joined: it was handed what it needs before");
      return before;
    }
    throw new Failed(
      eui64 === undefined ? "no fresh device is open here" : `${eui64} is not open here`,
      NEXT.press,
    );
  }
  flow.done(wanted.map((one) => `${one.role} ${one.eui64}`).join(", "));
  flow.begin("prove");
  const proven = await prove(flow, finder, { printed: label.printed, all: wanted });
  flow.done(`${proven.device.eui64} has this label`);
  return flow.handOver(proven);
}

async function prove(
  flow: JoinFlow,
  finder: Finder,
  { printed, all }: { printed: Uint8Array; all: readonly Found[] },
): Promise<Proven> {
  const { crypto } = flow.place.authority;
  for (const device of all.slice(0, TRIED_MAX)) {
    const psk = proofOf(crypto, printed, device);
    if (psk === undefined) continue;
    const ask = (question: Ask) => finder.ask(device, { psk }, question);
    const answer = await ask({ method: GET, path: ["join"] });
    const isIt = answer.ok && answer.response.code === CONTENT;
    if (isIt) return { device, proof: "label", how: "by its label", ask };
    if (!answer.ok && answer.why === "closed") throw new Failed(WHY.race, NEXT.race);
  }
  throw new Failed(all.length === 1 ? WHY.label : "none of them knows this label", NEXT.label);
}
