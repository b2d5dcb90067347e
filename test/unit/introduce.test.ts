/** Whom a device knows in groups that an authority runs, and what becomes of them. */
import { P } from "../../modules/access/groupcomm.js";
import { toHex } from "../../modules/bytes/hex.js";
import { decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { schemes } from "../../modules/device/schemes.js";
import { dtlsRecord } from "../../modules/profiles/dtls-record.js";
import { Store } from "../../modules/store/store.js";
import { equal, test } from "../harness.js";
import { NorFlash } from "../support/flash.js";
import { Place, SIGNED_GROUP } from "../support/place.js";
import type { Rig } from "../support/rig.js";

const NOTHING = new Uint8Array(0);

function known({ device }: Rig): string[] {
  return (device.groups.schemes?.members.of(SIGNED_GROUP) ?? []).map(({ id }) => toHex(id)).sort();
}

/** Who reports that he obeyed. */
function reporting(place: Place, { device }: Rig): string[] {
  const heard: string[] = [];
  device.onReports = (reports) => void heard.push(...reports.map(({ member }) => toHex(member)));
  device.command({ on: true, report: true });
  place.pass(10);
  return heard.sort();
}

test("records say nothing of who sent them: a switch is told who may answer, and hears all", () => {
  const place = new Place("dtls-record");
  const { lamps, switches } = place.begin();
  for (const { device } of [...lamps, ...switches]) device.channels?.joining.doubt();
  place.pass(20);
  const [lamp, press] = [
    ["03", "04"],
    ["01", "02"],
  ];
  equal([...lamps, ...switches].map(known), [lamp, lamp, press, press]);
  equal(reporting(place, switches[0]), press);
});

test("who was not there when a switch came is met when it asks who is in the group", () => {
  const place = new Place("group-oscore");
  const { answer } = place;
  place.answer = (request) => {
    const response = answer?.(request);
    if (request.path.join("/") !== `ace-group/${SIGNED_GROUP}`) return response;
    const map = decode(response?.payload ?? NOTHING);
    if (!map.ok || !(map.value instanceof Map)) return response;
    return response && { ...response, payload: encode(map.value.set(P.CREDS, [])) };
  };
  const { switches } = place.begin();
  const [press] = switches;
  equal(known(press), []);
  const { channels, groups } = press.device;
  const security = groups.directory.security(SIGNED_GROUP);
  let isMet = false;
  if (security !== undefined) {
    channels?.admission?.meet(security, () => {
      isMet = true;
    });
  }
  place.pass(5);
  equal(isMet, true);
  equal(known(press), ["01", "02", "04"]);
  place.isThere = false;
  isMet = false;
  if (security !== undefined) {
    channels?.admission?.meet(security, () => {
      isMet = true;
    });
  }
  place.pass(300);
  equal(isMet, true, "nobody tells, and that is told");
  equal(known(press), ["01", "02", "04"]);
});

test("another file forgets whom a file named, not whom an authority did", () => {
  const flash = new NorFlash({ size: 65536, programBytes: 4 });
  Store.format({ flash });
  const opened = Store.open({ flash });
  if (!opened.ok) throw new Error(opened.error.message);
  const all = schemes.make(new TsCrypto(), opened.store);
  const group = { id: 7, profile: dtlsRecord };
  const id = Uint8Array.of(9);
  const part = { id: Uint8Array.of(1), credential: NOTHING, seed: NOTHING, addresses: [] };
  const count = (isManaged: boolean, members: readonly { id: Uint8Array }[]) => {
    all.members.put(group, { id, credential: NOTHING });
    const named = members.map((one) => ({ ...one, credential: NOTHING }));
    schemes.enter(all, group, { ...part, members: named, isManaged });
    return all.members.of(7).map((one) => toHex(one.id));
  };
  equal(count(true, []), ["09"]);
  equal(count(true, [{ id: Uint8Array.of(8) }]), ["08"]);
  equal(count(false, []), []);
  equal(count(false, [{ id: Uint8Array.of(8) }]), ["08"]);
});
