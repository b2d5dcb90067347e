/**
 * An eavesdropper, run as a program: prints every datagram of a group in hex, and sends what it is
 * given in hex to the group.
 *
 *   node recorder.js GROUP INTERFACE
 */
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

const COAP_PORT = 5683;
const [group, name] = process.argv.slice(2);
const socket = createSocket({ type: "udp6", reuseAddr: true });

socket.on("message", (bytes) => console.log(bytes.toString("hex")));
socket.bind(COAP_PORT, () => {
  socket.setMulticastInterface(`::%${name}`);
  socket.addMembership(group, `::%${name}`);
  console.log("ready");
});
createInterface({ input: process.stdin }).on("line", (hex) => {
  socket.send(Buffer.from(hex, "hex"), COAP_PORT, group);
});
