/**
 * DNS-based Service Discovery (RFC 6763) by multicast DNS (RFC 6762) on one network, over IPv6:
 * authorities say where they are, and who looks for them asks once (§5.1), and is answered alone
 * (§6.7). What is found so proves nothing: an authority shows who it is over DTLS.
 */
import { createSocket, type Socket } from "node:dgram";
import dns from "dns-packet";

export const AUTHORITY = "_lumicast._udp.local";
/** Thread border routers (MeshCoP). */
export const BORDER_ROUTER = "_meshcop._udp.local";

const GROUP = "ff02::fb";
const PORT = 5353;
/** RFC 6762 §6.7: of an answer to who asks once. */
const LEGACY_SECONDS = 10;
/** RFC 6762 §10. */
const SECONDS = 120;
const ANSWERS_MAX = 256;

export interface Announced {
  /** What people call it, without a dot. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** "key=value", for everybody's eyes. */
  readonly about: readonly string[];
}

export interface Service extends Announced {
  /** "_lumicast._udp.local" */
  readonly type: string;
}

/** Answers who looks for authorities, until it is closed. */
export async function announce(network: string, service: Announced): Promise<{ close(): void }> {
  const socket = await opened(PORT);
  socket.addMembership(GROUP, `::%${network}`);
  socket.on("message", (message, from) => {
    const question = parsed(message);
    const isOurs = question?.questions?.some(({ name, type }) => {
      return name.toLowerCase() === AUTHORITY && type === "PTR";
    });
    if (question === undefined || isOurs !== true) return;
    const isOnce = from.port !== PORT;
    const answer = dns.encode({
      type: "response",
      // RFC 6762 §6.7: his id and question, for a resolver that knows no better.
      id: isOnce ? (question.id ?? 0) : 0,
      flags: dns.AUTHORITATIVE_ANSWER,
      questions: isOnce ? (question.questions ?? []) : [],
      ...recordsOf(service, isOnce ? LEGACY_SECONDS : SECONDS),
    });
    socket.send(answer, from.port, isOnce ? from.address : `${GROUP}%${network}`, () => {});
  });
  return { close: () => socket.close() };
}

function recordsOf({ name, address, port, about }: Announced, ttl: number) {
  const instance = `${name}.${AUTHORITY}`;
  const target = `${name}-lumicast.local`;
  const answers: dns.Answer[] = [{ name: AUTHORITY, type: "PTR", ttl, data: instance }];
  const additionals: dns.Answer[] = [
    { name: instance, type: "SRV", ttl, data: { priority: 0, weight: 0, port, target } },
    { name: instance, type: "TXT", ttl, data: [...about] },
    { name: target, type: "AAAA", ttl, data: address },
  ];
  return { answers, additionals };
}

/** Who answers within `ms`. */
export async function lookFor(
  network: string,
  types: readonly string[],
  ms: number,
): Promise<Service[]> {
  const socket = await opened(0);
  const found = new Map<string, Service>();
  socket.on("message", (message) => {
    for (const service of servicesIn(parsed(message), types)) {
      if (found.size < ANSWERS_MAX) found.set(`${service.name} ${service.type}`, service);
    }
  });
  socket.setMulticastInterface(`::%${network}`);
  const questions = types.map((name) => ({ name, type: "PTR" as const }));
  const query = dns.encode({ type: "query", id: 1, questions });
  socket.send(query, PORT, `${GROUP}%${network}`, () => {});
  await new Promise((resolve) => setTimeout(resolve, ms));
  socket.close();
  return [...found.values()];
}

function servicesIn(packet: dns.Packet | undefined, types: readonly string[]): Service[] {
  const records = [...(packet?.answers ?? []), ...(packet?.additionals ?? [])];
  return records.flatMap((pointer): Service[] => {
    if (pointer.type !== "PTR" || !types.includes(pointer.name.toLowerCase())) return [];
    const instance = pointer.data;
    const place = records.find((one) => one.type === "SRV" && one.name === instance);
    if (place?.type !== "SRV") return [];
    const { target, port } = place.data;
    const host = records.find((one) => one.type === "AAAA" && one.name === target);
    const text = records.find((one) => one.type === "TXT" && one.name === instance);
    const lines = text?.type === "TXT" ? [text.data].flat().map(String) : [];
    return [
      {
        type: pointer.name.toLowerCase(),
        name: plain(instance.slice(0, -pointer.name.length - 1)),
        address: host?.type === "AAAA" ? host.data : target,
        port: port ?? 0,
        about: lines.map(plain),
      },
    ];
  });
}

/** For a terminal: somebody else wrote it. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 64);
}

function parsed(message: Buffer): dns.Packet | undefined {
  try {
    return dns.decode(message);
  } catch {
    return undefined;
  }
}

async function opened(port: number): Promise<Socket> {
  const socket = createSocket({ type: "udp6", ipv6Only: true, reuseAddr: true });
  // Nobody is to fail of it.
  socket.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject).bind(port, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  return socket;
}
