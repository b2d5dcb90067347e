/**
 * Drives the firmware's own path (outer, candidates, open, verify, mark) for the vectors of every
 * scheme with a key for each member.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { drop } from "../../modules/bytes/outcome.js";
import { emitMessage, parseMessage } from "../../modules/coap/message.js";
import { openAmong } from "../../modules/groups/candidates.js";
import type { Association, SecurityGroup } from "../../modules/groups/directory.js";
import type { Groups } from "../../modules/groups/groups.js";
import { Heard } from "../../modules/groups/heard.js";
import { type Awaited, Schemes } from "../../modules/groups/schemes.js";
import { Workspace } from "../../modules/oscore/aad.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Departure, Member, Own, RequestBinding } from "../../modules/profiles/profile.js";
import type { Adapter, Incoming, Opened, Receiver, VectorCase, VectorFile } from "./format.js";
import { newCrypto, newGroups } from "./groups.js";
import { code, minimal, TYPES } from "./read.js";
import type { Context, FileMember, Scheme } from "./schemes.js";

const EMPTY = new Uint8Array(0);
/** Where the file names no destination: a group's, and the device's own. */
const GROUP_ADDRESS = "ff1500000000000000000000000000fd";
const OWN_ADDRESS = "fd000000000000000000000000000001";
const PORT = 5683;
const SECURITY = 1;

export function memberAdapter(scheme: Scheme): Adapter {
  return {
    seal: (file, vector, request) => seal(scheme, file, vector, request),
    receiver: (file, context, device) => new MemberReceiver(scheme, file, context, device),
  };
}

function seal(
  scheme: Scheme,
  file: VectorFile,
  vector: VectorCase,
  request: VectorCase | undefined,
): string {
  const crypto = newCrypto();
  const { profile } = scheme;
  const { input } = vector;
  const context = file.context[vector.context] as Context;
  const own = ownOf(crypto, scheme, context, vector.from);
  const key = profile.importKey(crypto, {
    keyId: scheme.keyId(context),
    raw: scheme.raw(context, vector.from),
    own,
    addresses: addressesOf(scheme, file, context).map(fromHex),
  });
  const options = input.options.map(([number, value]) => ({ number, value: fromHex(value) }));
  const toOne = input.mode === "pairwise" || profile.proof === "channel";
  const departure: Departure = {
    header: { type: TYPES.indexOf(input.type), mid: input.mid, token: fromHex(input.token) },
    inner: {
      code: code(input.code),
      options,
      payload: input.payload === null ? undefined : fromHex(input.payload),
    },
    clear: [],
    appGroup: { id: 0 },
    sender: own.id,
    piv: typeof input.seq === "string" ? minimal(input.seq) : undefined,
    to: destination(input.dst_addr, input.dst_port, request),
    request: request && bindingOf(scheme, file, request),
    ...(toOne ? { peer: profile.peer?.(crypto, key, memberOf(scheme, context, vector.to)) } : {}),
    ...(input.send_kid_context === true ? { namesKey: true } : {}),
    ...(input.send_kid === true ? { namesSender: true } : {}),
    ...(typeof input.previous_tag === "string" ? { previousTag: fromHex(input.previous_tag) } : {}),
  };
  return toHex(profile.seal(key, departure, new Workspace()));
}

/** A device of the file, with all contexts that turn up in one security group. */
class MemberReceiver implements Receiver {
  readonly #scheme: Scheme;
  readonly #file: VectorFile;
  readonly #device: string;
  readonly #groups: Groups;
  readonly #schemes: Schemes;
  readonly #security: SecurityGroup;
  readonly #associations = new Map<string, Association>();
  /** What was heard in answer to a request, by its name. */
  readonly #heard = new Map<string, Heard>();

  constructor(scheme: Scheme, file: VectorFile, context: string, device: string) {
    this.#scheme = scheme;
    this.#file = file;
    this.#device = device;
    const { groups, store } = newGroups(Uint8Array.of(1));
    const schemes = new Schemes({ crypto: newCrypto(), store, seal: () => drop("expired") });
    this.#groups = groups;
    this.#schemes = schemes;
    const input = file.context[context] as Context;
    const own = ownOf(schemes.crypto, scheme, input, device);
    this.#security = {
      id: SECURITY,
      profile: scheme.profile,
      graceSeconds: 0,
      associations: [],
      highest: EMPTY,
      own,
    };
    const { directory } = groups;
    directory.addSecurity(this.#security);
    const endpoints = addressesOf(scheme, file, input).flatMap((address) =>
      portsOf(file, address).map((port) => ({ address: fromHex(address), port })),
    );
    endpoints.forEach((endpoint, id) => {
      directory.addAppGroup({ id, security: this.#security, endpoint });
    });
    for (const name of Object.keys(scheme.members(input))) {
      if (name === device) continue;
      const put = schemes.members.put(this.#security, memberOf(scheme, input, name));
      if (!put.ok) throw new Error(`member ${name}: ${put.drop}`);
    }
    this.association(context);
  }

  open(incoming: Incoming): Opened {
    const { arriving } = this.#groups;
    const { outer } = arriving;
    const datagram = fromHex(incoming.datagram);
    const { layer } = this.#scheme.profile;
    const { address, port } = incoming.destination;
    arriving.to = destination(address, port, incoming.request);
    arriving.from = { address: fromHex(OWN_ADDRESS), port: PORT };
    arriving.multicast = incoming.request === undefined;
    const schemes = this.#schemes;
    const before = tag(incoming.previousTag);
    // The file says what came before, in place of messages.
    schemes.chains = { before: () => before, note() {}, forget() {} };
    if (layer === "record") outer.bytes = datagram;
    else if (!outer.scan(datagram)) return { drop: "malformed" };
    const awaited = incoming.request && this.awaited(incoming.request);
    const opened = openAmong(this.#groups, schemes, arriving, layer, awaited);
    if (!opened.ok) return { drop: opened.drop };
    const message = parseMessage(outer.bytes);
    if (!message.ok) throw new Error("scanned but not parsed");
    return { message: toHex(emitMessage({ ...message.value, ...opened.value })) };
  }

  private awaited(request: VectorCase): Awaited {
    const heard = this.#heard.get(request.name) ?? new Heard();
    this.#heard.set(request.name, heard);
    return {
      request: bindingOf(this.#scheme, this.#file, request),
      association: this.association(request.context),
      heard,
    };
  }

  private association(name: string): Association {
    const known = this.#associations.get(name);
    if (known !== undefined) return known;
    const context = this.#file.context[name] as Context;
    const { crypto } = this.#schemes;
    const scheme = this.#scheme;
    const security = this.#security;
    const material = scheme.profile.importKey(crypto, {
      keyId: scheme.keyId(context),
      raw: scheme.raw(context, this.#device),
      own: ownOf(crypto, scheme, context, this.#device),
      addresses: addressesOf(scheme, this.#file, context).map(fromHex),
    });
    const index = this.#associations.size;
    const association: Association = { ...material, index, security, lifetime: undefined };
    security.associations.push(association);
    this.#associations.set(name, association);
    return association;
  }
}

function tag(hex: string | null | undefined): Uint8Array | undefined {
  return hex === undefined || hex === null ? undefined : fromHex(hex);
}

function ownOf(crypto: Crypto, scheme: Scheme, context: Context, name: string): Own {
  const member = scheme.members(context)[name];
  // Of `dtls-record` the file names one session, the sender's.
  if (member === undefined) return { id: EMPTY, credential: EMPTY, signer: undefined };
  const seed = member.ed25519_seed;
  return {
    id: fromHex(member.id),
    credential: credentialOf(member),
    signer: seed === undefined ? undefined : crypto.signatures?.signer(fromHex(seed)),
  };
}

function memberOf(scheme: Scheme, context: Context, name: string): Member {
  const member = scheme.members(context)[name];
  return { id: fromHex(member.id), credential: credentialOf(member) };
}

function credentialOf(member: FileMember): Uint8Array {
  return fromHex(member.cred ?? member.ed25519_public ?? "");
}

/** The groups' addresses: all that the file sends to, but for what is to be unknown. */
function addressesOf(scheme: Scheme, file: VectorFile, context: Context): string[] {
  if (scheme.address !== undefined) return [scheme.address(context)];
  const sentTo = file.cases.map(({ input }) => input.dst_addr as string | undefined);
  const refused = file.negative.map((one) => (one.expect === "unknown" ? undefined : one.dst_addr));
  const all = [GROUP_ADDRESS, ...sentTo, ...refused].filter((one) => one !== undefined);
  return [...new Set(all)];
}

/** Where groups listen at that address: at every port that the file sends to there. */
function portsOf(file: VectorFile, address: string): number[] {
  const sentTo = [...file.cases.map(({ input }) => input), ...file.negative];
  const ports = sentTo.filter((one) => one.dst_addr === address).map((one) => one.dst_port);
  return [...new Set([PORT, ...ports.filter((port) => typeof port === "number")])];
}

function destination(address: unknown, port: unknown, request: VectorCase | undefined) {
  const standard = request === undefined ? GROUP_ADDRESS : OWN_ADDRESS;
  return {
    address: fromHex((address as string | undefined) ?? standard),
    port: (port as number | undefined) ?? PORT,
  };
}

function bindingOf(scheme: Scheme, file: VectorFile, request: VectorCase): RequestBinding {
  const context = file.context[request.context] as Context;
  const toOne = request.input.mode === "pairwise" || scheme.profile.proof === "channel";
  const members = scheme.members(context);
  return {
    kid: fromHex(members[request.from].id),
    piv: minimal(request.input.seq as string),
    keyId: scheme.keyId(context),
    ...(toOne ? { peer: fromHex(members[request.to].id) } : {}),
  };
}
