/**
 * The Group Manager in every profile: who may be what, and what whoever comes late is told of the
 * senders before him. And tokens of an AS that MACs, as the KDC judges them.
 */
import { parseDelivery } from "../../modules/access/delivery.js";
import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { renew } from "../../modules/authority/distribution.js";
import { noteHeard } from "../../modules/authority/heard.js";
import { GROUP_PROFILES } from "../../modules/authority/material.js";
import { sendingFor } from "../../modules/authority/pushing.js";
import type { Issuer } from "../../modules/authority/server.js";
import { enrol, grantToken } from "../../modules/authority/server.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { decode, type Tagged } from "../../modules/cbor/decode.js";
import { HMAC_256_256 } from "../../modules/cose/vouched.js";
import { EDDSA } from "../../modules/ports/crypto.js";
import { equal, test } from "../harness.js";
import { GROUP, parties } from "../support/authority.js";
import {
  INCARNATION,
  joins,
  keysOf,
  MONITOR,
  REQUESTER,
  RESPONDER,
  UNBROKEN,
} from "../support/comers.js";
import { ALL, Kdc, mapIn, NOW, outcome, pairwise } from "../support/kdc.js";

const h = fromHex;
const RECEIVES: Scope = [{ appGroup: 1, level: 2, roles: RECEIVER }];
const SENDS: Scope = [{ appGroup: 1, level: 2, roles: SENDER }];

test("who may be what: every combination of roles, in every profile, under every grant", () => {
  const names = new Map([
    [REQUESTER, "client"],
    [RESPONDER, "server"],
    [MONITOR, "silent server"],
  ]);
  let joined = 0;
  for (const profile of GROUP_PROFILES) {
    for (let tasks = 2; tasks <= 14; tasks += 2) {
      for (const granted of [ALL, SENDS, RECEIVES]) {
        const roles = [...names].filter(([task]) => (tasks & task) !== 0).map(([, name]) => name);
        const { roles: may } = granted[0];
        const answersNever = roles.includes("silent server");
        // draft-ietf-core-oscore-groupcomm-02 §6.1 has "client and silent server"; RFC 9594's
        // Group Manager (draft-ietf-ace-key-groupcomm-oscore §3) no longer.
        const isOne =
          !answersNever ||
          roles.length === 1 ||
          (!roles.includes("server") && profile !== "group-oscore");
        const isGranted =
          (!roles.includes("client") || (may & SENDER) !== 0) &&
          (roles.every((name) => name === "client") || (may & RECEIVER) !== 0);
        const wanted = !isOne ? "4.00 roles" : isGranted ? "2.01" : "4.03 scope";
        const said = outcome(joins(new Kdc({ profile }), 1, tasks, granted));
        equal(said.slice(0, wanted.length), wanted, `${profile}: ${roles.join(" and ")} by ${may}`);
        if (wanted === "2.01") joined++;
      }
    }
  }
  equal(joined, 6 * (2 + 2 + 1 + 2) + 5, "of 126");
});

test("who comes late is told every sender's number, in every profile", () => {
  for (const profile of GROUP_PROFILES) {
    const kdc = new Kdc({ profile }, { listening: UNBROKEN });
    kdc.set({ numbers: "heard" });
    for (const at of [1, 2]) equal(outcome(joins(kdc, at, REQUESTER)), "2.01", profile);
    const { epoch } = kdc.group;
    for (const [at, number] of [
      [1, 41],
      [2, 2 ** 31],
    ]) {
      kdc.run((rows) => noteHeard(rows, GROUP, { clientId: uintBytes(at), epoch, number }));
    }
    const answer = mapIn(joins(kdc, 3, RESPONDER).response.payload);
    const told = [
      [h("01"), 42],
      [h("02"), 2 ** 31 + 1],
    ];
    equal([answer?.get(9), answer?.get(-70010)], [epoch, told], `${profile}: joined`);
    const { response } = keysOf(kdc, 3, kdc.token(3, RECEIVES));
    const { numbers = [] } = parseDelivery(response.payload ?? h("")) ?? {};
    const asked = numbers.map(({ sender, next }) => [sender, next]);
    equal(asked, told, `${profile}: keys asked for`);
  }
});

test("where nobody listens, who comes late has a key that nobody used, in every profile", () => {
  for (const profile of GROUP_PROFILES) {
    const kdc = new Kdc({ profile });
    const epochOf = (at: number, tasks: number) =>
      mapIn(joins(kdc, at, tasks).response.payload)?.get(9);
    equal(epochOf(1, RESPONDER), 1, profile);
    equal(epochOf(2, RESPONDER), 1, `${profile}: nobody can have spoken`);
    equal(epochOf(3, REQUESTER), 1, `${profile}: who only sends hears nobody`);
    equal(epochOf(4, RESPONDER), 2, profile);
    // Whichever way the client gets a newer one.
    for (const [at, get] of [
      [5, () => joins(kdc, 3, REQUESTER)],
      [6, () => kdc.say(3, "ace-group/9/nodes/03", { method: 3 })],
      [7, () => renewedAnd(kdc, () => kdc.get(3, "ace-group/9/nodes/03"))],
      [8, () => renewedAnd(kdc, () => kdc.get(3, "ace-group/9"))],
    ] as const) {
      kdc.now += 60;
      const got = mapIn(get().response.payload)?.get(9);
      equal(got, kdc.group.epoch, `${profile}: ${at}`);
      equal(epochOf(at, RESPONDER), Number(got) + 1, `${profile}: ${at}`);
    }
  }
});

function renewedAnd<T>(kdc: Kdc, get: () => T): T {
  kdc.run((rows) => renew(rows, kdc.center, GROUP, { isBroken: false, now: kdc.now }));
  return get();
}

test("a switch that was sent a new key may have spoken under it before it says so", () => {
  const kdc = new Kdc();
  joins(kdc, 1, REQUESTER);
  kdc.now += 60;
  kdc.run((rows) => renew(rows, kdc.center, GROUP, { isBroken: false, now: kdc.now }));
  const epochOf = (at: number) => mapIn(joins(kdc, at, RESPONDER).response.payload)?.get(9);
  equal(epochOf(2), 2, "it is still to be sent");
  const to = { clientId: h("01"), pairwise: pairwise(), now: kdc.now };
  equal(kdc.run((rows) => sendingFor(rows, kdc.center, to))?.epochs.length, 1);
  equal(epochOf(3), 3);
});

test("a member whose flash is another never has the key that he asked for by himself", () => {
  for (const path of ["ace-group/9", "ace-group/9/nodes/01"]) {
    for (const [incarnation, epoch] of [
      [INCARNATION, 2],
      [h("1112131415161718"), 3],
    ] as const) {
      const kdc = new Kdc({ profile: "group-oscore" });
      joins(kdc, 1, REQUESTER);
      kdc.now += 60;
      const told = mapIn(renewedAnd(kdc, () => kdc.get(1, path)).response.payload);
      equal([told?.get(9), kdc.group.epoch], [2, 2]);
      kdc.now += 60;
      const asked = keysOf(kdc, 1, kdc.token(1, SENDS), incarnation);
      equal([outcome(asked), kdc.group.epoch], ["2.05", epoch], path);
    }
  }
});

const SECRET = new Uint8Array(32).fill(0x5e);
const MAC_KID = h("a6");

test("an AS that MACs: its tokens open the same doors, and no others'", () => {
  const { as, asAnchor, signer } = parties();
  const maced: Issuer = { ...as, voucher: { alg: HMAC_256_256, secret: SECRET }, kid: MAC_KID };
  const shared = { issuer: "as", kid: MAC_KID, alg: HMAC_256_256, secret: SECRET } as const;
  const ask = (anchors: (typeof asAnchor | typeof shared)[], issuer: Issuer) => {
    const kdc = new Kdc({}, { anchors });
    const token = kdc.run((rows) => {
      const device = { name: "lamp", credential: h("c1"), scope: ALL, tokenSeconds: 60 };
      enrol(rows, uintBytes(0x1001), device);
      const granted = grantToken(rows, issuer, {
        ...{ credential: h("c1"), audience: "kdc", now: NOW },
      });
      if (!granted.ok) throw new Error(granted.fault);
      return granted.value;
    });
    const decoded = decode(token);
    const { tag } = (decoded.ok ? (decoded.value as Tagged).value : undefined) as Tagged;
    return `${tag} ${outcome(keysOf(kdc, 1, token))}`;
  };
  equal(ask([asAnchor, shared], maced), "17 2.05");
  equal(ask([asAnchor, shared], as), "18 2.05");
  equal(ask([asAnchor], maced), "17 4.01 untrusted");
  const wrong = { ...shared, secret: new Uint8Array(32) };
  equal(ask([asAnchor, wrong], maced), "17 4.01 forged");
  // Under the signing key's name, with what everybody knows of it.
  const { publicKey } = signer;
  const posing: Issuer = {
    ...maced,
    kid: as.kid,
    voucher: { alg: HMAC_256_256, secret: publicKey },
  };
  equal(ask([asAnchor, shared], posing), "17 4.01 forged");
  const signing: Issuer = { ...as, kid: MAC_KID, voucher: { alg: EDDSA, signer } };
  equal(ask([asAnchor, shared], signing), "18 4.01 forged");
});
