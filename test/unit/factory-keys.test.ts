/** Devices whose factory credential is a key of their own: raw, or by X.509. */
import { renew } from "../../modules/authority/distribution.js";
import type { Cbor } from "../../modules/cbor/encode.js";
import { CONTENT, FORBIDDEN, GET, POST } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import type { OwnKey } from "../../modules/dtls/credentials.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import { equal, test, throws } from "../harness.js";
import { deviceAddress } from "../support/addresses.js";
import { GROUP } from "../support/grants.js";
import { KeyedPlace, OPERATOR, STRANGER } from "../support/keyed.js";
import { obeying } from "../support/place.js";
import { SeededRandom } from "../support/random.js";
import { type Rig, ROLE } from "../support/rig.js";
import { Told } from "../support/secure.js";

const CLIENT = Uint8Array.of(9);

function keyIds({ device }: Rig): number[] {
  const security = device.groups.directory.security(GROUP);
  return (security?.associations ?? []).map(({ keyId }) => keyId[0]);
}

type Part = (place: KeyedPlace, number: number) => Map<Cbor, Cbor>;
const KINDS: readonly (readonly [string, Part])[] = [
  ["raw keys", (place, number) => place.keyed(number)],
  ["X.509", (place, number) => place.certified(number)],
];

for (const [kind, part] of KINDS) {
  test(`${kind}: tokens, keys, light; a push; and again after a restart`, () => {
    const place = new KeyedPlace();
    const lamp = place.device(1, ROLE.LUMINAIRE, { authority: part(place, 1) });
    const press = place.device(3, ROLE.SWITCH, { authority: part(place, 3) });
    place.pass(60);
    equal([keyIds(lamp), keyIds(press)], [[1], [1]]);
    equal(obeying(place, [lamp], press), 1);
    place.ledger.run((rows) =>
      renew(rows, place.center, GROUP, { isBroken: false, now: place.now }),
    );
    equal(place.pushAll(), [1, 3]);
    equal(
      [keyIds(lamp), keyIds(press)],
      [
        [1, 2],
        [1, 2],
      ],
    );
    lamp.restart();
    place.pass(70);
    equal(place.asked.filter((one) => one.endsWith("@1")).length > 2, true);
    equal(obeying(place, [lamp], press), 1);
  });

  test(`${kind}: who is not the KDC gets no question, and nobody else's push is heard`, () => {
    const place = new KeyedPlace();
    // Of the same issuer, and a device: not the one that was named.
    place.as = 2;
    const lamp = place.device(1, ROLE.LUMINAIRE, { authority: part(place, 1) });
    place.pass(60);
    equal([place.asked, keyIds(lamp)], [[], []]);
    const told = visit(place, place.own(2, "device 2"));
    equal(told.words, ["unreachable"]);
  });
}

test("raw keys: a device that the KDC does not know gets nothing", () => {
  const place = new KeyedPlace();
  const authority = place.keyed(1, [[11, new Uint8Array(32).fill(STRANGER)]]);
  const lamp = place.device(1, ROLE.LUMINAIRE, { authority });
  place.pass(60);
  equal([place.asked, keyIds(lamp)], [[], []]);
});

test("the token is of the key: another device of the place does nothing with it", () => {
  const place = new KeyedPlace();
  const tokens: Uint8Array[] = [];
  const { answer } = place;
  place.answer = (request) => {
    const said = answer?.(request);
    if (request.path[0] !== "keys") return said;
    // What the first one asked with, the second brings.
    tokens.push(request.payload);
    const [first] = tokens;
    return answer?.({ ...request, payload: first });
  };
  const lamp = place.device(1, ROLE.LUMINAIRE, { authority: place.keyed(1) });
  place.pass(30);
  const other = place.device(2, ROLE.LUMINAIRE, { authority: place.keyed(2) });
  place.pass(30);
  equal([keyIds(lamp), keyIds(other)], [[1], []]);
});

/** Somebody connects to lamp 1 and asks for its facts and a restart. */
function visit(place: KeyedPlace, own: OwnKey): Told {
  const { clock, net } = place.room;
  const port = net.port(deviceAddress(150));
  const crypto = place.kdc.crypto;
  const channels = new DtlsChannels(
    {
      ...{ clock, random: new SeededRandom(150), crypto, handler: undefined },
      send: (to, bytes) => void port.send({ to, fromPort: 5684, bytes }),
    },
    { client: () => ({ own, trust: { rawKey: () => true, anchors: [place.root()] } }) },
  );
  port.onDatagram = ({ from, bytes }) => channels.receive(from, bytes);
  const told = new Told();
  const to = { address: deviceAddress(1), port: 5684 };
  channels.ask(to, { method: GET, path: ["3", "0", "0"] }, told.done);
  place.pass(20);
  if (told.words[0] === "unreachable") return told;
  // A restart: level 4.
  channels.ask(to, { method: POST, path: ["3", "0", "4"] }, told.done);
  place.pass(5);
  return told;
}

const RIGHTS = [[9, null, 4]] as const;

test("an operator with a key of his own commands at the level of his client", () => {
  const place = new KeyedPlace();
  const operators: Cbor = [[CLIENT, place.pair(OPERATOR).publicKey]];
  const authority = place.keyed(1, [[16, operators]]);
  place.device(1, ROLE.LUMINAIRE, { authority, rights: [...RIGHTS] });
  place.pass(30);
  const [facts, changed] = visit(place, place.own(OPERATOR, "operator")).words;
  equal([facts, changed], [CONTENT, 68]);
  equal(visit(place, place.own(STRANGER, "operator")).words, ["unreachable"]);
});

test("an operator by his certificate; another name of its issuer is nobody", () => {
  const place = new KeyedPlace();
  const operators: Cbor = [[CLIENT, "operator"]];
  const authority = place.certified(1, [[16, operators]]);
  place.device(1, ROLE.LUMINAIRE, { authority, rights: [...RIGHTS] });
  place.pass(30);
  equal(visit(place, place.own(OPERATOR, "operator")).words, [CONTENT, 68]);
  equal(visit(place, place.own(STRANGER, "other")).words, ["unreachable"]);
});

test("the KDC's own key has no say over a device without a manager", () => {
  const place = new KeyedPlace();
  place.device(1, ROLE.LUMINAIRE, { authority: place.keyed(1), rights: [...RIGHTS] });
  place.pass(30);
  equal(visit(place, place.own(98)).words, [FORBIDDEN, FORBIDDEN]);
});

test("a build without P-256 in C refuses a key at its start, and says what to do", () => {
  const place = new KeyedPlace();
  const { signatures } = place.kdc.crypto;
  const more = { authority: place.keyed(1), crypto: new TsCrypto(signatures) };
  throws(
    () => place.device(1, ROLE.LUMINAIRE, more),
    /no P-256 in C.*give this device a pre-shared/,
  );
  const both = place.keyed(2).set(4, Uint8Array.of(1)).set(5, new Uint8Array(16));
  const mixed = new Map([...both].sort(([a], [b]) => (a as number) - (b as number)));
  throws(() => place.device(2, ROLE.LUMINAIRE, { authority: mixed }), /a pre-shared key or a key/);
});
