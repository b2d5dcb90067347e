/**
 * The authority of a room, AS and KDC in one process on the medium: DTLS over 6LoWPAN, decisions of
 * modules/authority over a ledger in memory. `npm start -- --authority` starts it.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { TrustAnchor } from "../../modules/access/token.js";
import { answerAs } from "../../modules/authority/as-face.js";
import { Courier, type CourierParts, type Reach } from "../../modules/authority/courier.js";
import { type Center, createGroup } from "../../modules/authority/distribution.js";
import { admitJoiner } from "../../modules/authority/joiners.js";
import { answerKdc } from "../../modules/authority/kdc-face.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import {
  applications,
  devices,
  NONE,
  numberKey,
  putPair,
} from "../../modules/authority/records.js";
import { deviceBy, enrol } from "../../modules/authority/server.js";
import { WINDOW } from "../../modules/authority/turns.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { twoFaces } from "../../modules/lowpan/faces.js";
import { LinkStack } from "../../modules/lowpan/link.js";
import { LowpanStack } from "../../modules/lowpan/stack.js";
import { EDDSA } from "../../modules/ports/crypto.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Asker, SecureRequest, SecureResponse } from "../../modules/secure/request.js";
import { NodeCrypto } from "../authority/crypto.js";
import { Control } from "../border/control.js";
import { type Place, readPlace } from "../border/place.js";
import { Chance } from "../installation/chance.js";
import { claimsSet } from "../installation/claims-set.js";
import { Joins } from "./joins.js";
import { draw, ISSUER, KID, type Plan, SECURE_PORT } from "./managed.js";
import { Rekeyings } from "./rekeyings.js";
import { Saying } from "./saying.js";

/** All of them come at once, when the room gets power. */
const CONNECTIONS = 512;
/** It has memory for more than a lamp has. */
const QUEUE_FRAMES = 512;
/** All who are open answer at once. */
const LINK_LIMITS = { queueFrames: QUEUE_FRAMES, reassemblies: 64, reassemblyBytes: 65_536 };
const SECOND = 1_000_000;
/** A push and its answer are some 35 ms of the air; the rest is for those who press. */
const PUSH_MICROS = 60_000;
/** What was said to all is asked after in peace: whoever lacks it asked by himself. */
const AFTER_MICROS = SECOND;

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
  /** Who is connected, by who the channel shows. */
  readonly #askers = new Map<string, Asker>();
  readonly #courier: Courier;
  readonly #joins: Joins;

  constructor(control: Control, { pan, short, prefix, routes }: Place, plan: Plan) {
    this.#control = control;
    const chance = new Chance(Number.parseInt(plan.seed.slice(0, 8), 16), "keeper");
    const random = { fill: (bytes: Uint8Array) => bytes.set(fromHex(draw(chance, bytes.length))) };
    const crypto = new NodeCrypto();
    const signer = crypto.signatures.signer(fromHex(plan.seed));
    const { publicKey } = signer;
    const voucher = { alg: EDDSA, signer } as const;
    const anchor: TrustAnchor = { issuer: ISSUER, kid: KID, alg: EDDSA, publicKey };
    const issuer = { crypto, name: ISSUER, voucher, kid: KID };
    this.#center = {
      ...issuer,
      random,
      anchors: [anchor],
      domain: plan.domain,
      managerCredential: claimsSet(publicKey),
    };
    this.#ledger.run((rows) => furnish(rows, this.#center, plan));
    const faces = twoFaces(control.radio);
    const base = { clock: control, trace: control.trace, random };
    const stack = new LowpanStack({
      ...{ ...base, pan, short, prefix, routes },
      router: true,
      limits: { queueFrames: QUEUE_FRAMES },
      radio: faces.pan,
    });
    const send = (to: { address: Uint8Array; port: number }, bytes: Uint8Array) =>
      void stack.send({ to, fromPort: SECURE_PORT, bytes });
    const handler = (request: SecureRequest) => this.#answer(request);
    const limits = { connections: CONNECTIONS, handshakes: CONNECTIONS };
    const secretOf = (identity: Uint8Array) =>
      this.#ledger.run((rows) => rows.get("factory", toHex(identity))?.slice());
    const opened = (asker: Asker) => this.#opened(asker);
    const closed = ({ id }: Asker) => void this.#askers.delete(id);
    this.#channels = new DtlsChannels(
      { clock: control, random, crypto, send, handler, opened, closed },
      {
        server: { psk: secretOf },
        dtls: { ...limits, messageBytes: 1024, transcriptBytes: 2048 },
      },
    );
    stack.onDatagram = ({ from, to, bytes }) => {
      if (to.port === SECURE_PORT) this.#channels.receive(from, bytes);
    };
    this.#joins = new Joins({
      ...{ clock: control, random, crypto, plan, now: () => this.#now() },
      net: new LinkStack({ ...base, radio: faces.link, limits: LINK_LIMITS }),
      run: (decide) => this.#ledger.run(decide),
      log: (line) => control.log(line),
      isOpen: (id) => this.#askers.has(id),
      askPeer: (...asked) => this.#channels.askPeer(...asked),
    });
    this.#courier = this.#begin(stack, plan);
  }

  /** Does what it is told to with new keys. */
  #begin(stack: LowpanStack, plan: Plan): Courier {
    const control = this.#control;
    const run = <T>(decide: (rows: Rows) => T): T => this.#ledger.run(decide);
    const parts = { run, center: this.#center, clock: control, now: () => this.#now() };
    const log = (line: string) => control.log(line);
    const send = (to: Endpoint, bytes: Uint8Array) =>
      void stack.send({ to, fromPort: to.port, bytes });
    const saying = new Saying({ run, clock: control, send });
    const rekeyings = new Rekeyings({ ...parts, plan, log, say: (group) => saying.begin(group) });
    const reach = (clientId: Uint8Array) => {
      return saying.isUnderWay ? undefined : this.#reach(clientId);
    };
    const told: CourierParts["told"] = (...about) => rekeyings.told(...about);
    const { first, most, slowMicros } = WINDOW;
    const window = {
      ...{ first, most, slowMicros },
      get spacingMicros() {
        return rekeyings.isSaid ? AFTER_MICROS : PUSH_MICROS;
      },
    };
    const courier = new Courier({ ...parts, reach, told }, window);
    control.onCommand = (command) => {
      const [word, of = ""] = command.split(" ");
      if (word === "join") this.#joins.command(of);
      else rekeyings.command(command);
      courier.look();
    };
    return courier;
  }

  #opened(asker: Asker): void {
    this.#askers.set(asker.id, asker);
    const shown = fromHex(asker.id);
    // Whoever shows what it was handed has it, whether or not its word of that arrived.
    const device = this.#ledger.run((rows) => admitJoiner(rows, shown) ?? deviceBy(rows, shown));
    if (device !== undefined) this.#courier.returned(device.clientId);
    this.#joins.opened(asker.id);
  }

  #reach(clientId: Uint8Array): Reach | undefined {
    const id = this.#ledger.run((rows) => credentialOf(rows, clientId));
    const pairwise = this.#askers.get(id)?.pairwise;
    if (pairwise === undefined) return undefined;
    const ask: Reach["ask"] = (...asked) => this.#channels.askPeer(id, ...asked);
    return { pairwise, ask };
  }

  /** Seconds since the room got power: it has no other clock, and they only rise. */
  #now(): number {
    return Math.floor(this.#control.micros() / SECOND);
  }

  #answer(request: SecureRequest): SecureResponse {
    const random = this.#center.random;
    const now = () => this.#now();
    const response = this.#ledger.run((rows) => {
      const [place] = request.path;
      if (place !== "token")
        return answerKdc(rows, { center: this.#center, now }, request).response;
      const audiences = [{ name: ISSUER }];
      return answerAs(rows, { issuer: this.#center, random, audiences, now }, request).response;
    });
    // Whoever came may have made a new key for others, too. The answer goes first.
    this.#control.after(0, () => {
      this.#courier.look();
      this.#joins.look();
    });
    return response;
  }
}

function furnish(rows: Rows, center: Center, plan: Plan): void {
  for (const { id, profile, graceSeconds, pair } of plan.groups) {
    createGroup(rows, center, id, {
      ...{ profile, graceSeconds },
      ...{ validitySeconds: NONE, messages: NONE, renewsOnJoin: false, renewsOnLeave: false },
    });
    if (pair === undefined) continue;
    const [one, other] = pair.map(fromHex);
    putPair(rows, id, { one, other });
  }
  for (const { id, name, group, address, port } of plan.applications) {
    applications.put(rows, numberKey(id), { name, group, address: fromHex(address), port });
  }
  for (const { name, eui64, clientId, identity, key, scope, tokenSeconds } of plan.devices) {
    // What the file calls each on the air is nobody else's, from the first moment.
    rows.put("client", clientId, fromHex(eui64));
    if (plan.joins !== undefined) continue;
    rows.put("factory", identity, fromHex(key));
    const entered = enrol(rows, fromHex(eui64), {
      ...{ name, scope, tokenSeconds: tokenSeconds ?? NONE },
      credential: fromHex(identity),
    });
    // The file says what each is called on the air.
    devices.put(rows, eui64, { ...entered, clientId: fromHex(clientId) });
  }
}

/** In hex; empty for who is none of ours. */
function credentialOf(rows: Rows, clientId: Uint8Array): string {
  const eui64 = rows.get("client", toHex(clientId));
  const device = eui64 && devices.get(rows, toHex(eui64));
  return device === undefined ? "" : toHex(device.credential);
}

await main();
