/** Who is connected, and where clients were last: kept, so that a restart does not lose them. */
import { parseQuestion } from "../../modules/access/delivery.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { deviceBy } from "../../modules/authority/server.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { decodeList } from "../../modules/cbor/containers.js";
import { encode } from "../../modules/cbor/encode.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { nameOf } from "../../modules/secure/dtls.js";
import type { Asker, SecureRequest } from "../../modules/secure/request.js";
import type { Authority } from "./authority.js";
import { clientOf } from "./tokens.js";
import { LastWords } from "./words.js";

export interface Place {
  /** As whom the client comes: an Asker's id. */
  readonly id: string;
  readonly at: Endpoint;
}

const PORT_BYTES = 2;
const NAMED_MAX = 4096;

export class Places {
  readonly words = new LastWords();
  /** Somebody is connected who was not; by Asker's id. */
  onOpened: (id: string) => void = () => {};
  readonly #authority: Authority;
  readonly #askers = new Map<string, { asker: Asker; at: Endpoint }>();
  /** Names of endpoints, to whom was there. */
  readonly #there = new Map<string, string>();
  /** By asker: what is to be written. */
  readonly #noted = new Map<string, { client: Uint8Array | undefined; value: Uint8Array }>();
  /** Whose tokens by reference are, the latest. */
  readonly #named = new Map<string, Uint8Array>();
  /** What is written of each client. */
  readonly #written = new Map<string, Uint8Array>();

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  opened(asker: Asker, at: Endpoint): void {
    this.words.heard(asker.id);
    this.#askers.set(asker.id, { asker, at });
    this.#there.set(toHex(nameOf(at)), asker.id);
    this.onOpened(asker.id);
  }

  closed(asker: Asker): void {
    if (this.#askers.get(asker.id)?.asker === asker) this.#askers.delete(asker.id);
  }

  askerOf(id: string): Asker | undefined {
    return this.#askers.get(id)?.asker;
  }

  /** Who was at this place. */
  idAt(at: Endpoint): string | undefined {
    return this.#there.get(toHex(nameOf(at)));
  }

  /** Where a client was last, of what is kept. */
  of(rows: Rows, clientId: Uint8Array): Place | undefined {
    const place = placeOf(rows, clientId);
    if (place !== undefined) this.#there.set(toHex(nameOf(place.at)), place.id);
    return place;
  }

  /** A token by reference does not say whose it is. */
  named(token: Uint8Array, clientId: Uint8Array): void {
    if (this.#named.size >= NAMED_MAX) this.#named.clear();
    this.#named.set(toHex(token), clientId);
  }

  /** Somebody got keys: as whom, and where he is. Written with the others' by `keep`. */
  note(request: SecureRequest): void {
    const { id } = request.from;
    const at = this.#askers.get(id)?.at;
    const token = parseQuestion(request.payload)?.token;
    if (at === undefined || token === undefined) return;
    const value = encode([fromHex(id), nameOf(at)]);
    const client = clientOf(token) ?? this.#named.get(toHex(token));
    if (client !== undefined && isSame(this.#written.get(toHex(client)), value)) return;
    this.#noted.set(id, { client, value });
  }

  /** Makes what was noted durable; a cut before it costs a member one question of its own. */
  async keep(): Promise<void> {
    if (this.#noted.size === 0) return;
    const all = [...this.#noted];
    this.#noted.clear();
    const written = await this.#authority.ledger.transaction((rows) =>
      all.flatMap(([id, { client, value }]) => {
        const clientId = client ?? deviceBy(rows, fromHex(id))?.clientId;
        if (clientId === undefined) return [];
        rows.put("place", toHex(clientId), value);
        return [{ name: toHex(clientId), value }];
      }),
    );
    for (const { name, value } of written) this.#written.set(name, value);
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && equalBytes(a, b);
}

function placeOf(rows: Rows, clientId: Uint8Array): Place | undefined {
  const value = rows.get("place", toHex(clientId));
  const [id, name] = (value && decodeList(value)) ?? [];
  if (!(id instanceof Uint8Array) || !(name instanceof Uint8Array)) return undefined;
  const split = name.length - PORT_BYTES;
  const port = name[split] * 256 + name[split + 1];
  return { id: toHex(id), at: { address: name.slice(0, split), port } };
}
