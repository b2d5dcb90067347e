/**
 * What datagrams that die early cost in memory; run by no-garbage.test.ts. The provisioning byte
 * says with native help (1) or without (0). Prints how many collections each kind caused.
 */
import { BenchBoard } from "../../hosts/bench/board.js";
import { Device } from "../../modules/device/device.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import type { IntakeState } from "../../modules/ports/intake.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";
import { craft, withBytes } from "../support/craft.js";
import { provisioning, ROLE } from "../support/rig.js";

/** One slot or the smallest chunk for each is more than the heap that the test gives. */
const ROUNDS = 30_000;

export default function main(): number {
  const { print } = host();
  const isNative = (host().provisioning() as Uint8Array)[0] === 1;
  const engine = {
    crypto: new HostCrypto(),
    flash: () => new HostFlash(),
    nowMicros: () => 0,
    collect: () => {},
    ...(isNative ? { intake: { bind: (state: IntakeState) => host().intakeBind(state) } } : {}),
  };
  const board = new BenchBoard(engine, provisioning({ number: 20, role: ROLE.LUMINAIRE }));
  const device = Device.start(board);
  const genuine = craft({ sequence: 1 });
  device.receive(genuine);
  print(`genuine ${board.last}`);
  const cut = withBytes(genuine, (bytes) => {
    bytes[0] = 0x80;
  });
  const kinds: Record<string, Datagram> = {
    duplicate: genuine,
    foreignGroup: craft({ sequence: 2, appGroup: 9 }),
    foreignKey: craft({ sequence: 2, keyId: 8 }),
    cut,
    otherPort: craft({ sequence: 2, to: { address: genuine.to.address, port: 9999 } }),
  };
  for (const name of Object.keys(kinds)) {
    const datagram = kinds[name];
    const collections = collectionsOf(() => device.receive(datagram));
    print(`${name} ${board.last} ${collections}`);
  }
  print(`a slot ${collectionsOf(() => new Object()) > 0}`);
  print(`a chunk ${collectionsOf((i) => `${i}`) > 0}`);
  return 0;
}

/** In ROUNDS times, after the first one. */
function collectionsOf(act: (round: number) => unknown): number {
  const { usage } = host();
  act(0);
  const before = usage().gcCount;
  for (let i = 1; i <= ROUNDS; i++) act(i);
  return usage().gcCount - before;
}
