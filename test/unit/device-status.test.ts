import { statusOf } from "../../modules/device/status.js";
import { equal, test, throws } from "../harness.js";
import { ROLE, Room } from "../support/rig.js";

test("a device tells its role, its client id, its groups and the keys it sends with", () => {
  const room = new Room();
  const keys = [
    { id: 7, fill: 0xa1 },
    { id: 9, fill: 0xa2 },
  ];
  const lamp = room.luminaire(20, {
    keys,
    appGroups: [
      [1, 1],
      [3, 2],
    ],
  });
  equal(statusOf(lamp.device), {
    role: "luminaire",
    clientId: "14",
    groups: [
      { id: 1, keyId: "09" },
      { id: 3, keyId: "09" },
    ],
  });
  const roles = [ROLE.PRESENCE, ROLE.DAYLIGHT].map((role, index) => room.sensor(index + 2, role));
  const all = [room.switch(1), ...roles].map(({ device }) => statusOf(device).role);
  equal(all, ["switch", "presence", "daylight"]);
});

test("a device tells who observes what of it, and what it observes, when that changes", () => {
  const room = new Room();
  const lamps = [5, 6].map((number) => room.luminaire(number));
  const wall = room.switch(1);
  const { device } = wall;
  const [lamp] = lamps;
  const shown: string[] = [];
  for (const one of [lamp.device, device]) {
    const show = () => {
      const { role, observed, observes } = statusOf(one);
      shown.push(JSON.stringify({ role, observed, observes }));
    };
    one.onObservation = show;
  }
  const appGroup = device.groups.directory.appGroup(1);
  if (appGroup === undefined) throw new Error("no group");
  const wish = { appGroup, path: "3311/0/5850", onNews: () => {} };
  const watching = device.dialogues?.watch(device, wish);
  const ours = (members: number) =>
    JSON.stringify({ role: "switch", observes: [{ path: wish.path, group: 1, members }] });
  equal(shown.splice(0), [ours(0)]);
  room.clock.advance(6_000_000);
  const theirs = { role: "luminaire", observed: [{ path: wish.path, by: "01" }] };
  equal(shown.splice(0).sort(), [JSON.stringify(theirs), ours(1), ours(2)].sort());
  watching?.stop();
  room.clock.advance(6_000_000);
  equal(shown, ['{"role":"switch"}', '{"role":"luminaire"}']);
});

test("an image built for one role does not start as another", () => {
  const room = new Room();
  equal(room.switch(1, { built: "switch" }).device.role.target, 1);
  throws(
    () => room.luminaire(20, { built: "switch" }),
    /role: this image is built for a switch, but provisioned as luminaire; give it that device's/,
  );
  throws(() => room.switch(2, { built: "daylight" }), /built for a daylight, but .* as switch/);
});
