/**
 * Where all have one address: between a device and a server that cannot have the port the device
 * sends from, too. Says `ready`; runs until it is stopped.
 *
 *   node relay.js ADDRESS PORT SERVER_PORT DEVICE_PORT
 *
 * What comes to PORT goes to SERVER_PORT, answers come from PORT and go to DEVICE_PORT.
 */
import { createSocket } from "node:dgram";

const [address, ...numbers] = process.argv.slice(2);
const [port, serverPort, devicePort] = numbers.map(Number);
const options = { type: "udp6", reuseAddr: true, ipv6Only: true } as const;
const [ours, theirs] = [createSocket(options), createSocket(options)];
ours.on("message", (bytes) => theirs.send(bytes, serverPort, address));
theirs.on("message", (bytes) => ours.send(bytes, devicePort, address));
theirs.bind(0, address, () => ours.bind(port, address, () => console.log("ready")));
