/** A profile driven by itself, without groups: one message in or out. */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { Drop } from "../../modules/bytes/outcome.js";
import { emitMessage, parseMessage } from "../../modules/coap/message.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import type {
  Departure,
  KeyMaterial,
  Profile,
  RequestBinding,
  Signed,
} from "../../modules/profiles/profile.js";

export interface Reading<P> {
  readonly peer?: P | undefined;
  readonly request?: RequestBinding;
}

const TO = { address: new Uint8Array(16), port: 5683 };

/** The unprotected message in hex, or why there is none. */
export function unprotect<K extends KeyMaterial, P>(
  profile: Profile<K, P>,
  key: K,
  datagram: string,
  reading: Reading<P> = {},
): string {
  const arrival = arrivalOf(profile, datagram, reading.request);
  if (arrival === undefined) return "malformed" satisfies Drop;
  const opened = profile.open(key, arrival, contextOf(reading));
  if (!opened.ok) return opened.drop;
  const outer = parseMessage(fromHex(datagram));
  if (!outer.ok) throw new Error("scanned but not parsed");
  return toHex(emitMessage({ ...outer.value, ...opened.value }));
}

/** The signature of a message that opens. */
export function signatureOn<K extends KeyMaterial, P>(
  profile: Profile<K, P>,
  key: K,
  datagram: string,
  reading: Reading<P> = {},
): Signed | undefined {
  const arrival = arrivalOf(profile, datagram, reading.request);
  if (arrival === undefined) throw new Error("malformed outside");
  return profile.signed?.(key, arrival, contextOf(reading));
}

function arrivalOf<K extends KeyMaterial, P>(
  profile: Profile<K, P>,
  datagram: string,
  request: RequestBinding | undefined,
) {
  const outer = new Outer();
  if (!outer.scan(fromHex(datagram))) throw new Error("no CoAP message");
  const arrival = { outer, option: new OscoreOption(), to: TO };
  const direction = request === undefined ? "request" : "response";
  return profile.identify(arrival, direction) ? arrival : undefined;
}

function contextOf<P>({ peer, request }: Reading<P>) {
  return { appGroup: { id: 0 }, request, work: new Workspace(), peer };
}

/** The datagram in hex that protects a message in hex. */
export function protect<K extends KeyMaterial, P>(
  profile: Profile<K, P>,
  key: K,
  message: string,
  more: Partial<Departure<P>> & Pick<Departure<P>, "sender">,
): string {
  const parsed = parseMessage(fromHex(message));
  if (!parsed.ok) throw new Error("no CoAP message");
  const { type, mid, token, code, options, payload } = parsed.value;
  const departure: Departure<P> = {
    header: { type, mid, token },
    inner: { code, options, payload },
    clear: [],
    appGroup: { id: 0 },
    piv: undefined,
    to: TO,
    request: undefined,
    ...more,
  };
  return toHex(profile.seal(key, departure, new Workspace()));
}
