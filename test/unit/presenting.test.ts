/** A switch shows its token to lamps that it finds, while others make lamps up. */
import { equalBytes } from "../../modules/bytes/equal.js";
import { isMulticast } from "../../modules/coap/addresses.js";
import { emitMessage, NON, parseMessage } from "../../modules/coap/message.js";
import { CONTENT, GET } from "../../modules/coap/options.js";
import { equal, test } from "../harness.js";
import { deviceAddress } from "../support/addresses.js";
import { Managed } from "../support/managed.js";
import { PORT, type Rig, ROLE } from "../support/rig.js";

function nobody(number: number): Uint8Array {
  const address = deviceAddress(1);
  address[12] = 0x77;
  address[14] = number >> 8;
  address[15] = number;
  return address;
}

/** Before any lamp, so many that are not there answer each question of the switch. */
function flood(place: Managed, press: () => Rig | undefined, count: () => number): void {
  const { net, clock } = place.room;
  const carry = net.fate;
  net.fate = (sent, receiver, index) => {
    const parsed = parseMessage(sent.bytes);
    const asks = parsed.ok && parsed.value.code === GET && isMulticast(sent.to.address);
    const asker = press();
    if (asks && asker !== undefined && receiver !== asker.port) {
      const { token } = parsed.value;
      for (let at = 0; at < count(); at++) {
        const bytes = emitMessage({
          ...{ type: NON, code: CONTENT, mid: at, token, options: [], payload: undefined },
        });
        const from = { address: nobody(at), port: PORT };
        const to = { address: asker.port.address, port: PORT };
        clock.after(0, () =>
          asker.port.onDatagram?.({ from, to, bytes, atMicros: clock.micros() }),
        );
      }
    }
    return carry(sent, receiver, index);
  };
}

/** A room in which the KDC gives the token that is to be shown. */
function room(fakes: number) {
  const place = new Managed();
  place.shows = true;
  const lamp = place.device(1, ROLE.LUMINAIRE);
  place.pass(20);
  let press: Rig | undefined;
  const made = { fakes };
  flood(
    place,
    () => press,
    () => made.fakes,
  );
  press = place.device(2, ROLE.SWITCH);
  const shown = (to: (address: Uint8Array) => boolean) =>
    place.room.net.sent.filter(({ to: at, bytes }) => bytes.length > 200 && to(at.address)).length;
  const toNobody = () => shown((address) => address[12] === 0x77);
  const toLamp = () => shown((address) => equalBytes(address, lamp.port.address));
  return { place, lamp, press, made, toNobody, toLamp };
}

test("lamps that are not there keep a token from those that are for a while only", () => {
  const { place, lamp, toNobody } = room(150);
  for (let minute = 0; minute < 40 && lamp.device.rights.count === 0; minute++) place.pass(60);
  equal(lamp.device.rights.count, 1);
  equal(toNobody() > 0, true);
  // Three at a time, each for five seconds and in two transmissions.
  const seconds = place.room.clock.micros() / 1_000_000;
  equal(toNobody() <= ((seconds / 5) * 3 + 3) * 2, true, `${toNobody()} in ${seconds} s`);
});

test("who took a token before is the first to be shown the next one", () => {
  const { place, lamp, press, made, toNobody, toLamp } = room(0);
  place.pass(40);
  equal(lamp.device.rights.count, 1);
  made.fakes = 150;
  const [before, others] = [toLamp(), toNobody()];
  press.device.channels?.presenting.begin();
  place.pass(8);
  equal([toLamp() - before, others], [1, 0]);
  place.pass(120);
  equal(toNobody() < 300, true);
});
