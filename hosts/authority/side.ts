/** Questions of a running authority to its devices, and where those are. */
import type { Rows } from "../../modules/authority/ledger.js";
import { devices } from "../../modules/authority/records.js";
import { toHex } from "../../modules/bytes/hex.js";
import type { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import type { Saying } from "./announcer.js";
import type { Authority } from "./authority.js";
import type { DeviceSide } from "./device-side.js";
import type { Doorkeeper } from "./doorkeeper.js";
import { Fault } from "./fault.js";
import { networkOf } from "./interfaces.js";
import type { Places } from "./places.js";

interface SideParts {
  readonly channels: DtlsChannels;
  readonly places: Places;
  readonly doorkeeper: Doorkeeper;
}

function credentialOf(rows: Rows, clientId: Uint8Array): string | undefined {
  const eui64 = rows.get("client", toHex(clientId));
  const device = eui64 && devices.get(rows, toHex(eui64));
  return device && toHex(device.credential);
}

export class Side implements DeviceSide {
  readonly #authority: Authority;
  readonly #saying: Saying;
  readonly #parts: SideParts;

  constructor(authority: Authority, saying: Saying, parts: SideParts) {
    this.#authority = authority;
    this.#saying = saying;
    this.#parts = parts;
  }

  network(): string {
    const network = networkOf(this.#saying);
    if (network !== undefined) return network;
    throw new Fault("on which network are the devices? lumicast authority start --interface NAME");
  }

  changed(): Promise<void> {
    return this.#parts.doorkeeper.look();
  }

  heardAt(credential: string): number | null {
    return this.#parts.places.words.of(credential);
  }

  async ask(clientId: Uint8Array, ask: Ask): Promise<Answered> {
    const { channels, places } = this.#parts;
    await places.keep();
    const place = await this.#authority.read((rows) => places.of(rows, clientId));
    const id = place?.id ?? (await this.#authority.read((rows) => credentialOf(rows, clientId)));
    return new Promise((resolve) => {
      if (id !== undefined && channels.askPeer(id, ask, resolve)) return;
      if (place === undefined) resolve({ ok: false, why: "unreachable" });
      else channels.ask(place.at, ask, resolve);
    });
  }
}
