/**
 * The devices of `npm run bench -- --joins`: `joiners.js AT FIRST COUNT RATE` lets them join, RATE
 * a second (0: 64 at a time), and prints what it took as JSON.
 */
import { fromHex } from "../../modules/bytes/hex.js";
import { NodeClock } from "../authority/clock.js";
import { NodeCrypto } from "../authority/crypto.js";
import { Guest } from "../authority/guest.js";
import { endpointOf, UdpPort } from "../authority/net.js";

export interface Burst {
  /** Joins a second, all of them. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
  /** Processor time of the devices' process, for each join. */
  readonly cpuMs: number;
}

const AT_ONCE = 64;
const GROUP_DEVICES = 100;
const clock = new NodeClock();
const crypto = new NodeCrypto();

async function join(at: string, number: number): Promise<void> {
  const port = await UdpPort.bind({ address: "::1", port: 0 });
  const name = (number + 1).toString(16);
  const identity = fromHex(name.padStart(16, "0"));
  const key = fromHex(name.padStart(32, "0"));
  const guest = new Guest({
    clock,
    crypto,
    send: (to, bytes) => port.send(to, bytes),
    credentials: () => ({ psk: { identity, key: key.slice() } }),
    // The first of a group is told of the key it has just got.
    handler: () => ({ code: 0x44 }),
  });
  port.onDatagram = (from, bytes) => guest.channels.receive(from, bytes);
  const kdc = endpointOf("at", at);
  try {
    const token = await guest.token(kdc, "bench/kdc");
    await guest.keys(kdc, token, [Math.floor(number / GROUP_DEVICES) + 1]);
  } finally {
    guest.stop();
    await port.close();
  }
}

async function burst(at: string, first: number, count: number, rate: number): Promise<Burst> {
  const tookMs: number[] = [];
  let failed = 0;
  const one = async (number: number, wantedAt: number) => {
    try {
      await join(at, number);
      tookMs.push(performance.now() - wantedAt);
    } catch (error) {
      if (failed === 0) console.error(`lamp-${number}: ${(error as Error).message}`);
      failed++;
    }
  };
  const beganAt = performance.now();
  if (rate > 0) await paced(count, rate, (at, wantedAt) => one(first + at, wantedAt));
  else await crowded(count, (at) => one(first + at, performance.now()));
  const seconds = (performance.now() - beganAt) / 1000;
  tookMs.sort((a, b) => a - b);
  const part = (share: number) => tookMs[Math.floor(share * (tookMs.length - 1))] ?? 0;
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / 1000 / count;
  return { rate: tookMs.length / seconds, p50: part(0.5), p99: part(0.99), failed, cpuMs };
}

async function crowded(count: number, one: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Each begins when its time has come, however many are under way. */
async function paced(
  count: number,
  rate: number,
  one: (at: number, wantedAt: number) => Promise<void>,
): Promise<void> {
  const beganAt = performance.now();
  const all: Promise<void>[] = [];
  for (let at = 0; at < count; at++) {
    const wantedAt = beganAt + (at * 1000) / rate;
    const left = wantedAt - performance.now();
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
    all.push(one(at, wantedAt));
  }
  await Promise.all(all);
}

const [at, first, count, rate] = process.argv.slice(2);
console.log(JSON.stringify(await burst(at, Number(first), Number(count), Number(rate))));
