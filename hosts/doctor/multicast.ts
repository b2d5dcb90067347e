/**
 * Whether IPv6 multicast works on the interfaces of this machine: the simulators talk over it. What
 * an interface says of itself is not believed (`lo` says it runs, and has no route for groups): one
 * socket joins a group, another sends to it, and the datagram has to arrive.
 */
import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import type { Check } from "./types.js";

/** Link-local and transient (RFC 4291 §2.7): no router passes it on, nobody else has it. */
const GROUP = "ff12::4c:d0c";
const PATIENCE_MS = 500;

/** A pair of interfaces of one's own is the smallest network that carries multicast. */
const MEND =
  "sudo ip link add lumi0 type veth peer name lumi1 && sudo ip link set lumi0 up " +
  "&& sudo ip link set lumi1 up";

export async function multicast(): Promise<Check> {
  const names = Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ family }) => family === "IPv6"))
    .map(([name]) => name);
  const works = await Promise.all(names.map(carriesMulticast));
  const good = names.filter((_, index) => works[index]);
  return {
    name: "IPv6 multicast",
    purposes: ["simulator", "test:sdk"],
    found: good.length > 0 ? `on ${good.join(", ")}` : undefined,
    mend: MEND,
  };
}

async function carriesMulticast(name: string): Promise<boolean> {
  const receiver = createSocket({ type: "udp6", reuseAddr: true });
  const sender = createSocket("udp6");
  try {
    return await arrives(receiver, sender, name);
  } catch {
    return false;
  } finally {
    receiver.close();
    sender.close();
  }
}

function arrives(receiver: Socket, sender: Socket, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, PATIENCE_MS, false);
    const fail = (error: Error | null) => {
      if (error === null) return;
      clearTimeout(timer);
      reject(error);
    };
    const attempt = (step: () => void) => () => {
      try {
        step();
      } catch (error) {
        fail(error as Error);
      }
    };
    const probe = `lumicast doctor ${process.pid} ${name}`;
    receiver.on("error", fail).on("message", (message) => {
      if (message.toString() !== probe) return;
      clearTimeout(timer);
      resolve(true);
    });
    const send = attempt(() => {
      sender.setMulticastInterface(`::%${name}`);
      sender.send(probe, receiver.address().port, `${GROUP}%${name}`, fail);
    });
    const join = attempt(() => {
      receiver.addMembership(GROUP, `::%${name}`);
      sender.on("error", fail).bind(0, send);
    });
    receiver.bind(0, join);
  });
}
