/** Drives the firmware's own path for the vectors of `lowlatency`. */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { emitMessage, parseMessage } from "../../modules/coap/message.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import type { Directory, SecurityGroup } from "../../modules/groups/directory.js";
import type { Groups } from "../../modules/groups/groups.js";
import { Lifetime } from "../../modules/groups/lifetime.js";
import { locate } from "../../modules/groups/locate.js";
import { open } from "../../modules/groups/open.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { RequestBinding } from "../../modules/profiles/profile.js";
import type { Store } from "../../modules/store/store.js";
import type { Adapter, Incoming, Opened, Receiver, VectorCase, VectorFile } from "./format.js";
import { newGroups } from "./groups.js";
import { code, minimal, TYPES } from "./read.js";

interface Context {
  readonly associations: Readonly<Record<string, readonly { key_id: string; key: string }[]>>;
  readonly devices: Readonly<Record<string, string>>;
}

export const lowlatencyAdapter: Adapter = {
  seal(file, vector, request) {
    const { input } = vector;
    const context = file.context[vector.context] as Context;
    const association = associationsOf(context, input.app_group as string).find(
      (one) => one.key_id === input.key_id,
    );
    if (association === undefined) throw new Error("the context lacks the key");
    const material = lowlatency.importKey(new TsCrypto(), {
      keyId: minimal(association.key_id),
      raw: fromHex(association.key),
    });
    const clear = new Set((input.clear as number[] | undefined) ?? []);
    const options = input.options.map(([number, value]) => ({ number, value: fromHex(value) }));
    const sealed = lowlatency.seal(
      material,
      {
        header: { type: TYPES.indexOf(input.type), mid: input.mid, token: fromHex(input.token) },
        inner: {
          code: code(input.code),
          options: options.filter((option) => !clear.has(option.number)),
          payload: input.payload === null ? undefined : fromHex(input.payload),
        },
        clear: options.filter((option) => clear.has(option.number)),
        appGroup: { id: Number(input.app_group) },
        sender: minimal(context.devices[vector.from]),
        piv: minimal(input.seq as string),
        to: {
          address: fromHex(input.dst_addr as string),
          port: input.dst_port as number,
        },
        request: request === undefined ? undefined : bindingOf(context, request),
      },
      new Workspace(),
    );
    return toHex(sealed);
  },
  receiver: (file, context, device) => new LowlatencyReceiver(file, context, device),
};

class LowlatencyReceiver implements Receiver {
  readonly #context: Context;
  readonly #groups: Groups;

  constructor(file: VectorFile, context: string, device: string) {
    this.#context = file.context[context] as Context;
    this.#groups = receiverGroups(this.#context, device);
  }

  open(incoming: Incoming): Opened {
    const { arriving } = this.#groups;
    const { address, port } = incoming.destination;
    arriving.to = { address: fromHex(address), port };
    arriving.from = { address: new Uint8Array(16), port: 5683 };
    const datagram = fromHex(incoming.datagram);
    if (!arriving.outer.scan(datagram)) return { drop: "malformed" };
    const located = locate(this.#groups, arriving);
    if (!located.ok) return { drop: located.drop };
    const request =
      incoming.request === undefined ? undefined : bindingOf(this.#context, incoming.request);
    const opened = open(this.#groups, arriving, request);
    if (!opened.ok) return { drop: opened.drop };
    const outer = parseMessage(datagram);
    if (!outer.ok) throw new Error("scanned but not parsed");
    return { message: toHex(emitMessage({ ...outer.value, ...opened.value })) };
  }
}

function receiverGroups(context: Context, device: string): Groups {
  const { groups, store } = newGroups(minimal(context.devices[device]));
  fill(groups.directory, store, context);
  return groups;
}

/** One security group for every distinct list of keys: application groups may share one. */
function fill(directory: Directory, store: Store, context: Context): void {
  const crypto = new TsCrypto();
  const bySequence = new Map<string, SecurityGroup>();
  let index = 0;
  for (const [id, keys] of Object.entries(context.associations)) {
    const signature = JSON.stringify(keys);
    let security = bySequence.get(signature);
    if (security === undefined) {
      security = {
        id: bySequence.size,
        profile: lowlatency,
        graceSeconds: 0,
        associations: [],
        highest: new Uint8Array(0),
      };
      for (const { key_id, key } of keys) {
        const material = lowlatency.importKey(crypto, {
          keyId: minimal(key_id),
          raw: fromHex(key),
        });
        const terms = { endsAtSeconds: undefined, messages: undefined };
        const lifetime = new Lifetime(store, index, terms, undefined);
        security.associations.push({ index: index++, security, ...material, lifetime });
      }
      bySequence.set(signature, security);
      directory.addSecurity(security);
    }
    const endpoint = { address: new Uint8Array(16), port: 5683 };
    directory.addAppGroup({ id: Number(id), security, endpoint });
  }
}

function associationsOf(context: Context, appGroup: string) {
  const associations = context.associations[appGroup];
  if (associations === undefined) throw new Error(`no application group ${appGroup}`);
  return associations;
}

function bindingOf(context: Context, request: VectorCase): RequestBinding {
  return {
    kid: minimal(context.devices[request.from]),
    piv: minimal(request.input.seq as string),
  };
}
