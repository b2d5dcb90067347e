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

test("an image built for one role does not start as another", () => {
  const room = new Room();
  equal(room.switch(1, { built: "switch" }).device.role.target, 1);
  throws(
    () => room.luminaire(20, { built: "switch" }),
    /role: this image is built for a switch, but provisioned as luminaire; give it that device's/,
  );
  throws(() => room.switch(2, { built: "daylight" }), /built for a daylight, but .* as switch/);
});
