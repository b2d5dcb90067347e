/** The bindings of platforms/moddable against the board that host.c is. */
import { fromHex } from "../../../modules/bytes/hex.js";
import type { IntakeState } from "../../../modules/ports/intake.js";
import {
  listenToButton,
  makeKey,
  random,
  restartReason,
  setPin,
} from "../../../platforms/moddable/bound.js";
import { configuration } from "../../../platforms/moddable/config.js";
import { SdkCrypto } from "../../../platforms/moddable/crypto.js";
import { SdkDatagrams } from "../../../platforms/moddable/datagram.js";
import { SdkFlash } from "../../../platforms/moddable/flash.js";
import { SdkIntake } from "../../../platforms/moddable/intake.js";
import { SdkLight } from "../../../platforms/moddable/light.js";
import { guarded } from "../../../platforms/moddable/restart.js";
import { keptProvisioning, SdkSlots } from "../../../platforms/moddable/slots.js";
import { SdkTrace } from "../../../platforms/moddable/trace.js";
import { equal, test, throws } from "../../harness.js";
import { press } from "./program.js";

test("config: nothing said is nothing asked for", () => {
  const { role, pins, ports } = configuration({ role: "", pins: "", format: "rgb565le" });
  equal([role, pins.size, ports.length], [undefined, 0, 0]);
  equal(configuration({}).role, undefined);
});

test("config: role, pins and ports, from a manifest or the command line", () => {
  const manifest = configuration({ role: "switch", pins: { button: 9, led: 8 }, ports: [5684] });
  const line = configuration({ role: "switch", pins: "button:9,led:8", ports: "5684" });
  for (const { role, pins, ports } of [manifest, line]) {
    equal(role, "switch");
    equal(
      [...pins],
      [
        ["button", 9],
        ["led", 8],
      ],
    );
    equal([...ports], [5684]);
  }
});

test("config: what is wrong is named, with what it may be", () => {
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ role: "toaster" }, /role: toaster is not one of luminaire, switch, presence, daylight/],
    [{ role: "Switch" }, /role: Switch is not one of/],
    [{ role: 2 }, /role: 2 is not one of/],
    [{ pins: "button" }, /pins: button:undefined is no pin; write name:number/],
    [{ pins: "button:x" }, /pins: button:x is no pin/],
    [{ pins: "button:256" }, /pins: button:256 is no pin/],
    [{ pins: "button:1:2" }, /pins: button:1 is no pin/],
    [{ pins: { led: -1 } }, /pins: led:-1 is no pin/],
    [{ ports: "5684,x" }, /ports: 5684,x: up to 7 numbers below 65536/],
    [{ ports: [65536] }, /ports: 65536: up to 7/],
    [{ ports: "1,2,3,4,5,6,7,8" }, /up to 7 numbers/],
  ];
  for (const [values, message] of refused) throws(() => configuration(values), message);
});

test("flash: geometry of the board, its rules, and misuse", () => {
  const flash = new SdkFlash();
  equal([flash.size, flash.eraseBytes, flash.programBytes], [65536, 4096, 16]);
  const unit = Uint8Array.from({ length: 16 }, (_, index) => index);
  equal(flash.program(4096, unit), true);
  equal(flash.program(4096, unit), false, "a unit is programmed once per erase");
  const read = new Uint8Array(6);
  flash.read(4106, read);
  equal([...read], [10, 11, 12, 13, 14, 15]);
  equal(flash.erase(4096), true);
  flash.read(4106, read);
  equal([...read], [255, 255, 255, 255, 255, 255]);
  throws(() => flash.program(8, unit), /RangeError: flash: 16 bytes at 8/);
  throws(() => flash.program(0, unit.slice(1)), /RangeError/);
  throws(() => flash.read(65532, read), /RangeError: flash: 6 bytes at 65532/);
  throws(() => flash.read(-1, read), /RangeError/);
  throws(() => flash.erase(16), /RangeError/);
});

test("slots: the spare one's geometry, its rules, a trial that is confirmed", () => {
  const slots = new SdkSlots("test", () => undefined);
  const { spare } = slots;
  equal([slots.kind, slots.running, slots.onTrial], ["test", 1, false]);
  equal([spare.size, spare.eraseBytes, spare.programBytes], [4096, 4096, 16]);
  const unit = new Uint8Array(16).fill(9);
  equal([spare.program(16, unit), spare.program(16, unit)], [true, false]);
  equal(
    [spare.program(8, unit), spare.erase(16), spare.program(4096, unit)],
    [false, false, false],
  );
  const back = new Uint8Array(18);
  spare.read(15, back);
  equal([back[0], back[1], back[16], back[17]], [255, 9, 9, 255]);
  throws(() => spare.read(4090, back), /flash: the spare slot cannot be read/);
  equal(spare.erase(0), true);
  equal(slots.activate({ size: 16, digest: unit }), false, "no SHA-256");
  equal(slots.activate({ size: 17, digest: new Uint8Array(32).fill(9) }), false);
  equal(slots.activate({ size: 16, digest: new Uint8Array(32).fill(9) }), true);
  equal([slots.onTrial, slots.confirm(), slots.onTrial], [true, true, false]);
  equal(slots.confirm(), false);
});

test("slots: what the image holds is kept before another one is started", () => {
  const image = { size: 16, digest: new Uint8Array(32).fill(9) };
  equal(keptProvisioning(), undefined);
  equal(new SdkSlots("test", () => undefined).activate(image), true);
  equal(keptProvisioning(), undefined, "nothing to keep");
  equal(new SdkSlots("test", () => new Uint8Array(65)).activate(image), false, "no room");
  equal(new SdkSlots("test", () => Uint8Array.of(1, 2, 3)).activate(image), true);
  equal(keptProvisioning(), Uint8Array.of(1, 2, 3));
});

test("slots: a board with one says why, and has none", () => {
  const { spare } = new SdkSlots("test", () => undefined);
  equal(spare.erase(0) && spare.program(0, new Uint8Array(16).fill(1)), true);
  throws(() => new SdkSlots("test", () => undefined), /Error: slots: there is one slot/);
});

test("datagrams: both addresses, both ports, the time and the bytes", () => {
  const net = new SdkDatagrams([]);
  const group = new Uint8Array(16).fill(0xff);
  const own = new Uint8Array(16);
  own[15] = 1;
  equal(net.address, own);
  equal([net.join(group), net.join(own)], [true, false]);
  net.leave(group);
  const heard: unknown[] = [];
  net.onDatagram = (datagram) => void heard.push(datagram);
  const bytes = Uint8Array.of(1, 2, 3);
  equal(net.send({ to: { address: group, port: 5684 }, fromPort: 5683, bytes }), true);
  const from = { address: own, port: 5683 };
  equal(heard, [{ from, to: { address: group, port: 5684 }, bytes, atMicros: 77 }]);
  net.onDatagram = undefined;
  equal(net.send({ to: { address: group, port: 1 }, fromPort: 1, bytes }), true);
  equal(heard.length, 1);
});

test("datagrams: what is wrong is thrown, not taken", () => {
  const net = new SdkDatagrams([5684]);
  const to = { address: new Uint8Array(16), port: 5683 };
  const bytes = new Uint8Array(1);
  throws(() => net.join(new Uint8Array(4)), /only IPv6 addresses, of 16 bytes/);
  throws(() => net.send({ to: { ...to, port: 65536 }, fromPort: 1, bytes }), /net: port must be/);
  throws(() => net.send({ to, fromPort: -1, bytes }), /net: fromPort must be a whole number/);
  equal(net.send({ to, fromPort: 1, bytes: new Uint8Array(1281) }), false);
  throws(() => new SdkDatagrams([1]), /network: port 1 is taken/);
});

test("button: edges with their time, and nobody listening", () => {
  const edges: unknown[] = [];
  const port: { onEdge?: ((down: boolean, at: number) => void) | undefined } = {};
  listenToButton(port);
  press(true);
  port.onEdge = (down, at) => void edges.push([down, at]);
  press(true);
  press(false);
  equal(edges, [
    [true, 5],
    [false, 5],
  ]);
});

test("lamp: shown, bounds, and the driver's failure", () => {
  const light = new SdkLight();
  light.show({ level: 254, mired: 370 });
  light.show({ level: 1, mired: 0, x: 20000, y: 65535 });
  throws(() => light.show({ level: 255, mired: 370 }), /light: level must be a whole number/);
  equal(light.failed, true);
});

test("random fills all of it, differently each time, and says when it cannot", () => {
  const fill = (bytes: Uint8Array) => (random(bytes) ? bytes : undefined);
  const [a, b] = [fill(new Uint8Array(200)), fill(new Uint8Array(200))];
  equal(a?.join() === b?.join(), false);
  equal(
    a?.slice(180).every((byte) => byte === 0),
    false,
  );
  equal(fill(new Uint8Array(300)), undefined);
});

test("trace counts, and keeps the last reason of a drop", () => {
  const trace = new SdkTrace();
  for (const event of ["accepted", "replayed", "accepted"] as const) trace.count(event);
  equal([trace.counted("accepted"), trace.counted("replayed"), trace.counted("forged")], [2, 1, 0]);
  equal(trace.lastDrop, "replayed");
});

test("restart: the kept reason, and nothing in the way of what goes well", () => {
  equal(restartReason(), "the watchdog bit");
  let fired = 0;
  guarded(() => void fired++)();
  equal(fired, 1);
});

test("intake: bound over buffers of the right size, and no datagram is too odd for it", () => {
  const buffer = (size: number) => new ArrayBuffer(size);
  const [columns, rest] = [buffer(4096), [buffer(64), buffer(64), buffer(64)] as const];
  const key = new SdkCrypto().aeadKey(10, new Uint8Array(16));
  const state = (result: number): IntakeState => {
    return [buffer(28), buffer(result), columns, ...rest, [key], 10];
  };
  throws(() => new SdkIntake().bind(state(127)), /intake: the result has not 128 bytes/);
  const bound = new SdkIntake().bind(state(128));
  const address = new Uint8Array(16).fill(0xff);
  for (const datagram of ["", "00", "50", "5202123497c2d000", "ff".repeat(1280)]) {
    const answer = bound.open(fromHex(datagram), address, 5683);
    equal(answer < 0 && Number.isInteger(answer), true, datagram);
  }
});

test("pins: the board says what is wrong", () => {
  equal(setPin("button", 9), undefined);
  equal(setPin("button", 40), "this chip has pins 0 to 31");
  equal(setPin("lamp", 1), "there is only button");
});

test("keys: no other algorithm, no other length, and none without its C data", () => {
  const made = (algorithm: number, size: number) => {
    const raw = new Uint8Array(size).fill(7);
    makeKey({}, algorithm, raw);
  };
  throws(() => made(1, 16), /AEAD algorithm 1 is none/);
  throws(() => made(10, 15), /the key has 15 bytes, not 16/);
});
