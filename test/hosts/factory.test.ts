/** Devices that show keys of their own, raw or in certificates, at programs that run. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { Authority } from "../../hosts/authority/authority.js";
import { Doorkeeper } from "../../hosts/authority/doorkeeper.js";
import { endpointOf } from "../../hosts/authority/net.js";
import { State } from "../../hosts/authority/state.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { publicKeyInfo } from "../../modules/dtls/der.js";
import { certificateOf, keyPair } from "../support/certificates.js";
import { Device } from "../support/guests.js";
import { Desk, euiOf } from "../support/lumicast.js";
import { Programs } from "../support/running.js";

const desk = new Desk();
after(() => desk.remove());
const programs = new Programs();
const PSK = "3".padStart(32, "0");
const MAKER = keyPair(90);

function pem(name: string, label: string, ...all: readonly Uint8Array[]): string {
  const blocks = all.map((der) => {
    const lines = Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n");
    return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
  });
  writeFileSync(desk.path(name), blocks.join(""));
  return desk.path(name);
}

function certificate(number: number, subject = `device ${number}`): Uint8Array {
  return certificateOf({ subject, issuer: "maker", key: keyPair(number), by: MAKER });
}

test("raw keys and certificates beside a pre-shared key; keys are pushed to all", async () => {
  const state = ["--state", desk.path("all")];
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::1", "--number", "5", ...state);
  const info = pem("raw.pem", "PUBLIC KEY", publicKeyInfo(keyPair(1).publicKey));
  const chain = pem("two.pem", "CERTIFICATE", certificate(2));
  const secret = desk.secret("psk.hex", PSK);
  const credentials = [
    ["--raw-key", info],
    ["--certificate", chain],
    ["--psk-file", secret],
  ];
  for (const [at, words] of credentials.entries()) {
    await desk.json("device", "add", euiOf(at + 1), "--name", `lamp-${at + 1}`, ...words, ...state);
  }
  await desk.json("group", "add", "hall", "lamp-1", "lamp-2", "lamp-3", ...state);
  const shown = await desk.run("device", "show", "lamp-2", ...state);
  assert.match(shown.out, /known by its certificate/);
  const ran = await programs.start(state);
  const { channel } = await desk.json<{ channel: string }>("authority", "show", ...state);
  const trust = { rawKey: (key: Uint8Array) => toHex(key) === channel };
  const raw = await Device.showing({ own: { key: keyPair(1), chain: [] }, trust });
  const own = { key: keyPair(2), chain: [certificate(2)], isCertified: true };
  const certified = await Device.showing({ own, trust });
  const shared = await programs.device(3, PSK);
  after(() => Promise.all([raw.close(), certified.close()]));
  const devices = [raw, certified, shared];
  for (const device of devices) {
    const { delivery } = await device.join(ran.at, [5]);
    assert.equal(delivery.tokens.length, 2);
  }
  const rekeyed = await desk.run("group", "rekey", "hall", ...state);
  assert.match(rekeyed.out, /3 of 3 members have it/, rekeyed.out);
  assert.ok(devices.every(({ pushed }) => pushed.length > 0));
  await refuses(ran.at, trust);
});

type Trust = { rawKey: (key: Uint8Array) => boolean };

/** Another key, another certificate of the same maker or of the same key, the key without it. */
async function refuses(at: string, trust: Trust): Promise<void> {
  const wrong = [
    { key: keyPair(4), chain: [] },
    { key: keyPair(4), chain: [certificate(4)], isCertified: true },
    { key: keyPair(2), chain: [certificate(2, "other")], isCertified: true },
    { key: keyPair(2), chain: [] },
    { key: keyPair(1), chain: [certificate(1)], isCertified: true },
  ];
  for (const own of wrong) {
    const device = await Device.showing({ own, trust });
    await assert.rejects(device.join(at, [5]), /no token: unreachable/);
    await device.close();
  }
  // A certificate is no secret: it is no pre-shared key either.
  const identity = toHex(Device.idOf(keyPair(2).publicKey));
  const thief = await Device.of(identity, toHex(certificate(2)));
  await assert.rejects(thief.guest.token(endpointOf("at", at), "hall/kdc"), /unreachable/);
  await thief.close();
}

test("an authority with a certificate is found by its name", async () => {
  const state = ["--state", desk.path("certified")];
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::1", "--number", "5", ...state);
  const { channel } = await desk.json<{ channel: string }>("authority", "show", ...state);
  const key = { ...MAKER, publicKey: fromHex(channel) };
  const names = { subject: "kdc.hall", issuer: "maker" };
  const file = pem("kdc.pem", "CERTIFICATE", certificateOf({ ...names, key, by: MAKER }));
  const wrong = pem("wrong.pem", "CERTIFICATE", certificate(5));
  const refused = await desk.run("authority", "certify", wrong, ...state);
  assert.match(refused.err, /begins with the certificate of another key/);
  const told = await desk.run("authority", "certify", file, ...state);
  assert.match(told.out, /devices know it as kdc.hall/);
  const chain = pem("lamp.pem", "CERTIFICATE", certificate(1));
  const add = ["device", "add", euiOf(1), "--name", "lamp", "--certificate", chain];
  await desk.json(...add, ...state);
  await desk.json("group", "add", "hall", "lamp", ...state);
  const ran = await programs.start(state);
  const own = { key: keyPair(1), chain: [certificate(1)], isCertified: true };
  const { certificate: root } = rootOf();
  for (const name of ["kdc.hall", "kdc.barn"]) {
    const device = await Device.showing({
      ...{ own, trust: { anchors: [root] } },
      accepts: (peer) => peer.by === "certificate" && peer.names.includes(name),
    });
    const joined = device.join(ran.at, [5]);
    if (name === "kdc.hall") assert.equal((await joined).delivery.tokens.length, 2);
    else await assert.rejects(joined, /no token: unreachable/);
    await device.close();
  }
});

function rootOf() {
  const authority = fromHex("300f0603551d130101ff040530030101ff");
  const names = { subject: "maker", issuer: "maker" };
  const certificate = certificateOf({ ...names, key: MAKER, by: MAKER, extensions: [authority] });
  return { certificate };
}

test("who answers where a device was has to be that device, as it was entered", async () => {
  const folder = desk.path("door");
  const state = ["--state", folder];
  await desk.json("authority", "init", "--domain", "hall", ...state);
  const ids = [1, 2, 3].map((number) => keyPair(number).publicKey);
  for (const [at, point] of ids.entries()) {
    const chain = pem(`${at}.pem`, "CERTIFICATE", certificate(at + 1));
    const words = at === 2 ? ["--certificate", chain] : ["--raw-key", toHex(point)];
    await desk.json("device", "add", euiOf(at + 1), "--name", `lamp-${at}`, ...words, ...state);
  }
  const authority = await Authority.open(new State(folder));
  const doorkeeper = new Doorkeeper(authority);
  await doorkeeper.look();
  const name = toHex(Device.idOf(ids[0]));
  const { accepts, psk } = doorkeeper.credentialsFor(name) ?? {};
  assert.equal(psk, undefined);
  const raw = (publicKey: Uint8Array) => accepts?.({ by: "rawPublicKey", publicKey });
  assert.deepEqual([raw(ids[0]), raw(ids[1]), raw(ids[2])], [true, false, false]);
  const certified = { by: "certificate", names: [], untilSeconds: 0 } as const;
  assert.equal(accepts?.({ ...certified, publicKey: ids[0] }), false, "entered as a raw key");
  const third = doorkeeper.credentialsFor(toHex(Device.idOf(ids[2])));
  assert.equal(third?.accepts?.({ ...certified, publicKey: ids[2] }), true);
  assert.equal(third?.accepts?.({ by: "rawPublicKey", publicKey: ids[2] }), false);
  assert.equal(doorkeeper.credentialsFor("00"), undefined);
  assert.equal(doorkeeper.secretOf(toHex(Device.idOf(ids[2]))), undefined, "all have seen it");
  await authority.close();
});
