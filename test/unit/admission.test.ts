/** A member's side of the Group Manager: whole devices, and the manager's own decisions. */
import { P, RESPONDER } from "../../modules/access/groupcomm.js";
import { RECEIVER } from "../../modules/access/scope.js";
import { expel, renew } from "../../modules/authority/distribution.js";
import { SUITE_CCM, SUITE_NULL } from "../../modules/authority/material.js";
import {
  accesses,
  groups,
  inGroup,
  keys,
  members,
  membersOf,
  newcomer,
  numberKey,
} from "../../modules/authority/records.js";
import { toHex } from "../../modules/bytes/hex.js";
import { decodeMap } from "../../modules/cbor/containers.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { CONTENT } from "../../modules/coap/options.js";
import { PORTION } from "../../modules/groups/admission.js";
import { ACE_GROUPCOMM_CBOR } from "../../modules/groups/repository.js";
import { AES_CCM_16_64_128, AES_CCM_16_128_128 } from "../../modules/ports/crypto.js";
import { CONVERSATION_LIMITS } from "../../modules/secure/conversation.js";
import type { SecureRequest, SecureResponse } from "../../modules/secure/request.js";
import { equal, test, throws } from "../harness.js";
import { SIGNED } from "../support/lamps.js";
import { obeying, Place, SIGNED_GROUP } from "../support/place.js";
import { type Rig, ROLE } from "../support/rig.js";

/** Ids of the members that a device has credentials of. */
function known({ device }: Rig): string[] {
  return (device.groups.schemes?.members.of(SIGNED_GROUP) ?? []).map(({ id }) => toHex(id)).sort();
}

function asked(place: Place, path: RegExp): number {
  return place.asked.filter((one) => path.test(one)).length;
}

/** Answers of the Group Manager as `change` makes them. */
function changing(place: Place, path: string, change: (map: Map<Cbor, Cbor>) => void): void {
  const { answer } = place;
  place.answer = (request: SecureRequest): SecureResponse | undefined => {
    const response = answer?.(request);
    if (request.path.join("/") !== path || response?.payload === undefined) return response;
    const decoded = decode(response.payload);
    if (!decoded.ok || !(decoded.value instanceof Map)) return response;
    change(decoded.value);
    return { ...response, payload: encode(decoded.value) };
  };
}

for (const profile of [...SIGNED, "dtls-record"]) {
  test(`${profile}: keys, rights and who is who from the authority, and light`, () => {
    const place = new Place(profile);
    const { lamps, switches } = place.begin();
    equal(
      switches.map((press) => obeying(place, lamps, press)),
      [2, 2],
    );
    equal(lamps.map(known), [
      ["03", "04"],
      ["03", "04"],
    ]);
    const proven = place.ledger.run((rows) => membersOf(rows, SIGNED_GROUP));
    const isSigned = profile !== "dtls-record";
    equal(
      proven.map(({ member }) => member.isProven),
      Array(4).fill(isSigned),
    );
  });
}

/** What a scheme leaves to be chosen: where it stands in the material. */
const CHOICES = [
  ["group-oscore", 4, AES_CCM_16_64_128],
  ["group-oscore", 4, AES_CCM_16_128_128],
  ["dtls-record", 3, SUITE_CCM],
  ["dtls-record", 3, SUITE_NULL],
] as const;

for (const [profile, label, algorithm] of CHOICES) {
  test(`${profile}: keys for algorithm ${algorithm}, and light by them`, () => {
    const place = new Place(profile, { algorithm });
    const { lamps, switches } = place.begin();
    equal(obeying(place, lamps, switches[0]), 2);
    const material = place.ledger.run((rows) => {
      const { epoch } = groups.need(rows, numberKey(SIGNED_GROUP));
      return decodeMap(keys.need(rows, inGroup(SIGNED_GROUP, epoch)).raw);
    });
    equal(material?.get(label), algorithm);
  });
}

test("a choice that a scheme does not have makes no group", () => {
  throws(() => new Place("group-oscore", { algorithm: 12 }), /has 30 or 10, not algorithm 12/);
  throws(() => new Place("oscoap-00", { algorithm: 30 }), /has no choice, not algorithm 30/);
});

const MODERN = "group-oscore";

test("a restart asks for nothing that is in flash, but whether there are newer keys", () => {
  const place = new Place(MODERN);
  const { lamps, switches } = place.begin();
  const before = asked(place, /ace-group|token/);
  for (const rig of [...lamps, ...switches]) rig.restart();
  place.pass(30);
  equal(asked(place, /ace-group|token/), before);
  equal(obeying(place, lamps, switches[0]), 2);
});

test("a switch with another flash shows its key again, under keys that are new", () => {
  const place = new Place(MODERN);
  const { lamps, switches } = place.begin(120);
  equal(obeying(place, lamps, switches[0]), 2);
  switches[0].port.onDatagram = undefined;
  const again = place.device(3, ROLE.SWITCH, { seed: 77 });
  // While the key that it has made is new.
  place.pass(50);
  place.pushAll();
  place.pass(60);
  equal(obeying(place, lamps, again), 2);
  const [before, after] = [lamps[0], again].map(({ device }) => {
    return device.groups.directory
      .security(SIGNED_GROUP)
      ?.associations.map(({ keyId }) => toHex(keyId));
  });
  equal(
    after?.every((one) => before?.includes(one)),
    true,
  );
  equal(after?.includes(before?.[0] ?? ""), false, "not the key of before");
});

test("a member whose credential never came is asked for when he is heard", () => {
  const place = new Place(MODERN);
  let isSilent = true;
  changing(place, `ace-group/${SIGNED_GROUP}`, (map) => map.set(P.CREDS, []));
  changing(place, `ace-group/${SIGNED_GROUP}/creds`, (map) => {
    if (isSilent) map.set(P.CREDS, []);
  });
  const { lamps, switches } = place.begin();
  equal(lamps.map(known), [[], []]);
  isSilent = false;
  equal(obeying(place, lamps, switches[0]), 0);
  place.pass(20);
  equal(lamps.map(known), [["03"], ["03"]]);
  equal(obeying(place, lamps, switches[0]), 2);
});

test("who has shown the Group Manager an older token only shows his newest, and is told", () => {
  const place = new Place(MODERN);
  let isSilent = true;
  changing(place, `ace-group/${SIGNED_GROUP}`, (map) => map.set(P.CREDS, []));
  changing(place, `ace-group/${SIGNED_GROUP}/creds`, (map) => {
    if (isSilent) map.set(P.CREDS, []);
  });
  const { lamps, switches } = place.begin();
  equal(lamps.map(known), [[], []]);
  isSilent = false;
  place.ledger.run((rows) => {
    for (const name of accesses.keys(rows).filter((one) => /^(dtls|oscore)\//.test(one))) {
      const access = accesses.need(rows, name);
      accesses.put(rows, name, { ...access, issuedAt: access.issuedAt - 1 });
    }
  });
  const shown = asked(place, /^authz-info@/);
  equal(obeying(place, lamps, switches[0]), 0);
  place.pass(20);
  equal(lamps.map(known), [["03"], ["03"]]);
  equal(asked(place, /^authz-info@/) > shown, true);
  equal(obeying(place, lamps, switches[0]), 2);
});

test("a Group Manager that does not show its key is none", () => {
  const place = new Place(MODERN);
  changing(place, `ace-group/${SIGNED_GROUP}`, (map) => {
    map.set(P.KDC_CRED_VERIFY, new Uint8Array(64));
  });
  const { lamps, switches } = place.begin();
  equal([...lamps, ...switches].flatMap(known), []);
  equal(asked(place, /^keys@/), 0, "and no keys are asked for");
});

test("what is said of this device itself, or is longer than any credential, is passed over", () => {
  const place = new Place(MODERN);
  changing(place, `ace-group/${SIGNED_GROUP}`, (map) => {
    const credential = place.guild?.credentialOf(9) ?? new Uint8Array(0);
    const ids = [1, 2, 3, 4, 5].map((one) => Uint8Array.of(one));
    const long = new Uint8Array(300);
    map.set(P.PEER_IDENTIFIERS, ids);
    map.set(P.CREDS, [credential, credential, credential, credential, long]);
  });
  const { lamps } = place.begin();
  equal(lamps.map(known), [
    ["02", "03", "04"],
    ["01", "03", "04"],
  ]);
});

test("a key that is nearly used up is followed by another, for everybody", () => {
  const place = new Place(MODERN, { messages: 40 });
  const { lamps, switches } = place.begin(120);
  const newest = ({ device }: Rig) => {
    const { associations = [] } = device.groups.directory.security(SIGNED_GROUP) ?? {};
    return toHex(associations.at(-1)?.keyId ?? new Uint8Array(0));
  };
  const before = newest(switches[0]);
  for (let press = 0; press < 20 && newest(switches[0]) === before; press++) {
    equal(obeying(place, lamps, switches[0]), 2, `press ${press}`);
    place.pass(40);
    place.pushAll();
  }
  equal(newest(switches[0]) === before, false);
  place.pass(120);
  place.pushAll();
  equal(
    lamps.map((lamp) => newest(lamp) === newest(switches[0])),
    [true, true],
  );
  equal(obeying(place, lamps, switches[0]), 2);
});

test("who leaves is no member, and the others stay", () => {
  const place = new Place(MODERN);
  const { lamps, switches } = place.begin();
  const [left] = switches;
  const security = left.device.groups.directory.security(SIGNED_GROUP);
  const told: boolean[] = [];
  if (security) left.device.channels?.admission?.leave(security, (isOut) => told.push(isOut));
  place.pass(5);
  equal(told, [true]);
  const stay = place.ledger.run((rows) => membersOf(rows, SIGNED_GROUP));
  equal(
    stay.map(({ clientId }) => toHex(clientId)),
    ["01", "02", "04"],
  );
  equal(obeying(place, lamps, switches[1]), 2);
});

test("a lost switch is out of a signed group, too", () => {
  const place = new Place(MODERN);
  const { lamps, switches } = place.begin();
  place.ledger.run((rows) => expel(rows, place.center, Uint8Array.of(4), place.now));
  place.pushAll();
  place.pass(40);
  equal([obeying(place, lamps, switches[1]), obeying(place, lamps, switches[0])], [0, 2]);
});

test("a renewal in peace: nobody without light, numbers begin anew", () => {
  const place = new Place(MODERN);
  const { lamps, switches } = place.begin();
  place.ledger.run((rows) => {
    renew(rows, place.center, SIGNED_GROUP, { isBroken: false, now: place.now });
    equal(members.keys(rows).length, 4);
  });
  equal(obeying(place, lamps, switches[0]), 2, "before anybody has it");
  equal(place.pushAll(), [1, 2, 3, 4]);
  equal(obeying(place, lamps, switches[0]), 2);
});

/** Makes devices with these numbers members of the group, as if they had joined. */
function populate(place: Place, numbers: readonly number[]): void {
  place.ledger.run((rows) => {
    for (const number of numbers) {
      members.put(rows, inGroup(SIGNED_GROUP, Uint8Array.of(number)), {
        ...newcomer(),
        roles: RECEIVER,
        tasks: RESPONDER,
        credential: place.guild?.credentialOf(number) ?? new Uint8Array(0),
        isProven: true,
      });
    }
  });
}

function numbersFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

test("a switch in a group of a hundred meets all, in answers that its channel has room for", () => {
  const place = new Place(MODERN);
  populate(place, numbersFrom(5, 96));
  const lengths: number[] = [];
  const { answer } = place;
  place.answer = (request) => {
    const response = answer?.(request);
    lengths.push(response?.payload?.length ?? 0);
    return response;
  };
  const { lamps, switches } = place.begin(60);
  equal(
    [...lamps, ...switches].map((rig) => known(rig).length),
    [2, 2, 98, 98],
  );
  equal(
    lengths.every((length) => length <= CONVERSATION_LIMITS.bodyBytesMax),
    true,
  );
  equal(obeying(place, lamps, switches[0]), 2);
  // Who came since is met, too, and who only sends.
  place.ledger.run((rows) => members.delete(rows, inGroup(SIGNED_GROUP, Uint8Array.of(5))));
  populate(place, [200]);
  const security = switches[0].device.groups.directory.security(SIGNED_GROUP);
  let isDone = false;
  if (security) switches[0].device.channels?.admission?.meet(security, () => (isDone = true));
  place.pass(20);
  equal([isDone, known(switches[0]).length, known(switches[0]).includes("c8")], [true, 100, true]);
});

test("a Group Manager that tells of others without end is asked a few times", () => {
  const place = new Place(MODERN);
  let next = 5;
  const others = () => {
    const ids = numbersFrom(next, PORTION).map((one) => Uint8Array.of(1, one >> 8, one & 0xff));
    next += PORTION;
    const map = new Map<Cbor, Cbor>([[P.PEER_IDENTIFIERS, ids]]);
    return encode(map.set(P.CREDS, []));
  };
  const { answer } = place;
  place.answer = (request) => {
    if (request.path[2] !== "creds") return answer?.(request);
    return { code: CONTENT, format: ACE_GROUPCOMM_CBOR, payload: others() };
  };
  populate(place, numbersFrom(5, 96));
  place.device(3, ROLE.SWITCH);
  place.pass(60);
  equal(asked(place, /creds/), 6);
});
