/**
 * The authority of a room, AS and KDC in one process on the medium: DTLS over 6LoWPAN, decisions of
 * modules/authority over a ledger in memory. `npm start -- --authority` starts it.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { TrustAnchor } from "../../modules/access/token.js";
import { answerAs } from "../../modules/authority/as-face.js";
import { type Center, createGroup } from "../../modules/authority/distribution.js";
import { answerKdc } from "../../modules/authority/kdc-face.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { awaiting, confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import { applications, devices, NONE, numberKey } from "../../modules/authority/records.js";
import { enrol } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { CBOR, CHANGED, POST } from "../../modules/coap/options.js";
import { LowpanStack } from "../../modules/lowpan/stack.js";
import { EDDSA } from "../../modules/ports/crypto.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { SecureRequest, SecureResponse } from "../../modules/secure/request.js";
import { NodeCrypto } from "../authority/crypto.js";
import { Control } from "../border/control.js";
import { type Place, readPlace } from "../border/place.js";
import { Chance } from "../installation/chance.js";
import { draw, ISSUER, KID, type Plan, SECURE_PORT } from "./managed.js";

/** All of them come at once, when the room gets power. */
const CONNECTIONS = 512;
/** It has memory for more than a lamp has. */
const QUEUE_FRAMES = 512;
const SECOND = 1_000_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      control: { type: "string" },
      place: { type: "string" },
      plan: { type: "string" },
    },
  });
  const { control: path = "", place: placeFile = "", plan: planFile = "" } = values;
  const place = readPlace(readFileSync(placeFile));
  const plan = JSON.parse(readFileSync(planFile, "utf8")) as Plan;
  const control = await Control.connect(path, place.eui64);
  control.onEnd = () => process.exit(0);
  control.onBoot = () => void new Keeper(control, place, plan);
  control.hello();
}

class Keeper {
  readonly #ledger = new MemoryLedger();
  readonly #control: Control;
  readonly #center: Center;
  readonly #channels: DtlsChannels;
  /** Client id -> who the channel shows, in hex both. */
  readonly #identities: ReadonlyMap<string, string>;
  /** Who is being sent a key. */
  readonly #under = new Set<string>();

  constructor(control: Control, { pan, short, prefix, routes }: Place, plan: Plan) {
    this.#control = control;
    const chance = new Chance(Number.parseInt(plan.seed.slice(0, 8), 16), "keeper");
    const random = { fill: (bytes: Uint8Array) => bytes.set(fromHex(draw(chance, bytes.length))) };
    const crypto = new NodeCrypto();
    const signer = crypto.signatures.signer(fromHex(plan.seed));
    const voucher = { alg: EDDSA, signer } as const;
    const anchor: TrustAnchor = {
      issuer: ISSUER,
      kid: KID,
      alg: EDDSA,
      publicKey: signer.publicKey,
    };
    const issuer = { crypto, name: ISSUER, voucher, kid: KID };
    const none = new Uint8Array(0);
    this.#center = {
      ...issuer,
      random,
      anchors: [anchor],
      domain: plan.domain,
      managerCredential: none,
    };
    this.#ledger.run((rows) => furnish(rows, this.#center, plan));
    const keys = new Map(plan.devices.map(({ identity, key }) => [identity, fromHex(key)]));
    const stack = new LowpanStack({
      ...{ pan, short, prefix, routes, random },
      router: true,
      limits: { queueFrames: QUEUE_FRAMES },
      radio: control.radio,
      clock: control,
      trace: control.trace,
    });
    const send = (to: { address: Uint8Array; port: number }, bytes: Uint8Array) =>
      void stack.send({ to, fromPort: SECURE_PORT, bytes });
    const handler = (request: SecureRequest) => this.#answer(request);
    const limits = { connections: CONNECTIONS, handshakes: CONNECTIONS };
    this.#identities = new Map(plan.devices.map((one) => [one.clientId, one.identity]));
    this.#channels = new DtlsChannels(
      { clock: control, random, crypto, send, handler },
      {
        server: { psk: (identity) => keys.get(toHex(identity))?.slice() },
        dtls: { ...limits, messageBytes: 1024, transcriptBytes: 2048 },
      },
    );
    stack.onDatagram = ({ from, to, bytes }) => {
      if (to.port === SECURE_PORT) this.#channels.receive(from, bytes);
    };
    const push = () => {
      this.#push();
      control.after(SECOND, push);
    };
    push();
  }

  /** Keys that were renewed, to whoever is connected and has not got them yet. */
  #push(): void {
    for (const { clientId } of this.#ledger.run(awaiting)) {
      const id = this.#identities.get(toHex(clientId)) ?? "";
      const pairwise = this.#channels.askers().find((one) => one.id === id)?.pairwise;
      if (pairwise === undefined || this.#under.has(id)) continue;
      const to = { clientId, pairwise, now: this.#now() };
      const sending = this.#ledger.run((rows) => sendingFor(rows, this.#center, to));
      if (sending === undefined) continue;
      const { payload } = sending;
      const ask = { method: POST, path: ["keys", "push"], format: CBOR, payload };
      const isAsked = this.#channels.askPeer(id, ask, (answered) => {
        this.#under.delete(id);
        if (!answered.ok || answered.response.code !== CHANGED) return;
        this.#ledger.run((rows) => confirmAll(rows, clientId, sending));
      });
      if (isAsked) this.#under.add(id);
    }
  }

  /** Seconds since the room got power: it has no other clock, and they only rise. */
  #now(): number {
    return Math.floor(this.#control.micros() / SECOND);
  }

  #answer(request: SecureRequest): SecureResponse {
    const random = this.#center.random;
    const now = () => this.#now();
    return this.#ledger.run((rows) => {
      const [place] = request.path;
      if (place !== "token")
        return answerKdc(rows, { center: this.#center, now }, request).response;
      const audiences = [{ name: ISSUER }];
      return answerAs(rows, { issuer: this.#center, random, audiences, now }, request).response;
    });
  }
}

function furnish(rows: Rows, center: Center, plan: Plan): void {
  for (const { id, graceSeconds } of plan.groups) {
    createGroup(rows, center, id, {
      ...{ profile: "lowlatency", graceSeconds },
      ...{ validitySeconds: NONE, messages: NONE, renewsOnJoin: false, renewsOnLeave: false },
    });
  }
  for (const { id, name, group, address, port } of plan.applications) {
    applications.put(rows, numberKey(id), { name, group, address: fromHex(address), port });
  }
  for (const { name, eui64, clientId, identity, scope } of plan.devices) {
    const entered = enrol(rows, fromHex(eui64), {
      ...{ name, scope, tokenSeconds: NONE },
      credential: fromHex(identity),
    });
    // The file says what each is called on the air.
    devices.put(rows, eui64, { ...entered, clientId: fromHex(clientId) });
  }
}

await main();
