/** A device changes hands: who was its KDC has no say from then on, who follows has all of it. */
import { EMPTY_DELIVERY, emitDelivery, type KeyDelivery } from "../../modules/access/delivery.js";
import { toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { CBOR, CHANGED, CONTENT, FORBIDDEN, GET, POST } from "../../modules/coap/options.js";
import { FINISHED } from "../../modules/dtls/numbers.js";
import { emitHandOver } from "../../modules/groups/trust.js";
import type { KdcChannel } from "../../modules/groups/trusted.js";
import { EDDSA, type Signer } from "../../modules/ports/crypto.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Asker } from "../../modules/secure/request.js";
import { equal, test } from "../harness.js";
import { deviceAddress } from "../support/addresses.js";
import { GROUP, KID } from "../support/grants.js";
import { credentialOf, Managed } from "../support/managed.js";
import { SeededRandom } from "../support/random.js";
import { type Rig, ROLE } from "../support/rig.js";
import { Told } from "../support/secure.js";

const LAMP = { address: deviceAddress(1), port: 5684 };
const MANAGER = Uint8Array.of(9);

/** A lamp of one KDC, and another KDC on the same network. */
class Succession {
  readonly place = new Managed();
  readonly lamp: Rig;
  /** What the lamp's installation says of its KDC. */
  readonly authority = this.place.part(1, [[8, MANAGER]]);
  readonly signer: Signer;
  readonly center = { address: deviceAddress(201), port: 5684 };
  #key: Uint8Array = new Uint8Array(16).fill(77);
  readonly next: DtlsChannels;

  constructor() {
    const { place, authority } = this;
    this.lamp = place.device(1, ROLE.LUMINAIRE, { authority, rights: [[9, null, 3]] });
    const signer = place.kdc.crypto.signatures?.signer(new Uint8Array(32).fill(9));
    if (signer === undefined) throw new Error("no signatures");
    this.signer = signer;
    const port = place.room.net.port(this.center.address);
    const { clock } = place.room;
    this.next = new DtlsChannels(
      {
        ...{ clock, random: new SeededRandom(201), crypto: place.kdc.crypto },
        send: (to, bytes) => void port.send({ to, fromPort: 5684, bytes }),
        handler: undefined,
      },
      { client: () => ({ psk: { identity: credentialOf(1).identity, key: this.#key } }) },
    );
    port.onDatagram = ({ from, bytes }) => this.next.receive(from, bytes);
    place.pass(20);
  }

  /** The same name as before, by which devices are known everywhere; another key. */
  get channel(): KdcChannel {
    const { identity } = credentialOf(1);
    return { identity, psk: this.#key.slice(), center: this.center, server: undefined };
  }

  /** What the present KDC says, over the channel that `asker` names. */
  statement({ pairwise }: Asker, more: { count?: number; bare?: true } = {}): Uint8Array {
    const { kdc } = this.place;
    const { count = 1, bare } = more;
    const trusted = { ...kdc.trusted, issuer: "kdc 2", publicKey: this.signer.publicKey };
    const from = { voucher: { alg: EDDSA, signer: kdc.signer } as const, kid: KID };
    if (pairwise === undefined) throw new Error("no channel");
    const sealed = { under: pairwise, nonce: new Uint8Array(13).fill(count) };
    const channel = bare ? {} : { channel: this.channel, sealed };
    return emitHandOver(kdc.crypto, from, { trusted, count, ...channel });
  }

  handOver(more: { count?: number; bare?: true } = {}): Told | undefined {
    const told = this.place.push(1, (asker) => ({ handOver: this.statement(asker, more) }));
    this.place.pass(5);
    return told;
  }

  /** The code that the second KDC gets; "unreachable" and others where it gets none. */
  ask(path: string[], payload?: Uint8Array): unknown {
    const told = new Told();
    const what = { method: payload === undefined ? GET : POST, path, ...(payload && { payload }) };
    this.next.ask(LAMP, what, told.done);
    this.place.pass(200);
    return told.words[0];
  }

  push(delivery: Partial<KeyDelivery>): unknown {
    const payload = emitDelivery({ ...EMPTY_DELIVERY, ...delivery });
    return this.ask(["keys", "push"], payload);
  }
}

const SEALINGS = [
  { securityGroup: uintBytes(GROUP), kid: Uint8Array.of(99), key: new Uint8Array(16) },
];

test("after a hand-over the former KDC neither pushes nor manages, and its channel is over", () => {
  const all = new Succession();
  const { place, lamp } = all;
  equal(all.push({ sealings: SEALINGS }), "unreachable", "the other one, before");
  equal(all.handOver()?.words, [CHANGED]);
  equal(lamp.device.channels?.trust.trusted?.issuer, "kdc 2");
  equal(
    place.push(1, () => ({ sealings: SEALINGS })),
    undefined,
    "nobody is connected",
  );
  const told = new Told();
  const payload = emitDelivery({ ...EMPTY_DELIVERY, sealings: SEALINGS });
  place.channels.ask(LAMP, { method: POST, path: ["keys", "push"], payload }, told.done);
  place.pass(200);
  equal(told.words, ["unreachable"]);
  equal(all.push({ sealings: SEALINGS }), CHANGED);
  equal(all.ask(["3", "0", "0"]), CONTENT, "and it is the manager");
});

test("who follows stays it after a restart, whatever the installation says", () => {
  const all = new Succession();
  const { place, lamp } = all;
  equal(all.handOver()?.words, [CHANGED]);
  lamp.restart();
  place.pass(20);
  equal(
    lamp.log.filter((line) => /is not the KDC/.test(line)),
    [],
  );
  equal(
    place.push(1, () => ({ sealings: SEALINGS })),
    undefined,
  );
  equal(all.push({ sealings: SEALINGS }), CHANGED);
});

test("a credential is for the channel it came by; without one nobody has a say", () => {
  const all = new Succession();
  const { place, lamp } = all;
  const pairwise = {
    kid: Uint8Array.of(1),
    key: all.place.kdc.crypto.aeadKey(10, new Uint8Array(16)),
  };
  const other = all.statement({ by: "dtls", id: "", pairwise });
  const told = place.push(1, () => ({ handOver: other }));
  place.pass(5);
  equal([told?.words, lamp.device.channels?.trust.trusted?.issuer], [[FORBIDDEN], "kdc"]);
  equal(all.handOver({ bare: true })?.words, [CHANGED]);
  equal(
    place.push(1, () => ({ sealings: SEALINGS })),
    undefined,
  );
  equal(all.push({ sealings: SEALINGS }), "unreachable");
});

test("a handshake that the former KDC began before does not end as the KDC's afterwards", () => {
  const all = new Succession();
  const { place, lamp } = all;
  const { net } = place.room;
  const { identity, key } = credentialOf(1);
  const port = net.port(deviceAddress(202));
  const held: Uint8Array[] = [];
  let holds = true;
  const late = new DtlsChannels(
    {
      ...{ clock: place.room.clock, random: new SeededRandom(202), crypto: place.kdc.crypto },
      send: (to, bytes) => {
        // Its second flight ends with Finished, the one record of epoch 1.
        const at = bytes.findIndex((byte, index) => byte === 22 && bytes[index + 4] === 1);
        const part = at < 0 || !holds ? bytes : bytes.subarray(0, at);
        if (part !== bytes) held.push(bytes.slice(at));
        if (part.length > 0) port.send({ to, fromPort: 5684, bytes: part });
      },
      handler: undefined,
    },
    { client: () => ({ psk: { identity, key } }) },
  );
  port.onDatagram = ({ from, bytes }) => late.receive(from, bytes);
  const told = new Told();
  const payload = emitDelivery({ ...EMPTY_DELIVERY, sealings: SEALINGS });
  late.ask(LAMP, { method: POST, path: ["keys", "push"], payload }, told.done);
  place.room.clock.advance(500_000);
  equal(held.length, 1, `Finished (${FINISHED}) waits`);
  equal(all.handOver()?.words, [CHANGED]);
  holds = false;
  port.send({ to: LAMP, fromPort: 5684, bytes: held[0] });
  place.pass(5);
  equal([late.size, told.words.includes(CHANGED)], [0, false]);
  equal(lamp.device.channels?.trust.trusted?.issuer, "kdc 2");
});

test("a second KDC's installation makes it neither center nor manager", () => {
  const all = new Succession();
  const { place, lamp } = all;
  all.authority.set(0, "another").set(5, all.channel.psk);
  lamp.restart();
  const told = "authority: another is not the KDC this device belongs to";
  equal(lamp.log.includes(told), true);
  place.pass(20);
  equal(all.push({ sealings: SEALINGS }), "unreachable");
  const id = toHex(credentialOf(1).identity);
  const push = { method: POST, path: ["keys", "push"], query: [], format: CBOR };
  const asked = { ...push, from: { by: "dtls", id }, payload: utf8("x") } as const;
  equal(lamp.device.channels?.handle(asked).code, FORBIDDEN);
  const got = { method: GET, path: ["3", "0", "0"], query: [], format: undefined } as const;
  const facts = { ...got, from: asked.from, payload: new Uint8Array(0) };
  equal(lamp.device.channels?.handle(facts).code, FORBIDDEN);
});
