/*
 * The device that mcsim shows: a lamp with its colour and level, a push button, a status LED with
 * what it says, a light that tells whether the last datagram was dropped, and what the firmware
 * says of itself. The other end of the wire is platforms/simulator/panel.ts,
 * whose `Shown` tells what comes; { button } and { gesture } go back. Plain JavaScript over Piu,
 * because mcsim loads it as it stands.
 */
import {} from "piu/PC";
import { ButtonsRow, ControlsColumn } from "ControlsPane";
import { DeviceBehavior, DeviceContainer, DeviceScreen } from "DevicePane";

const LEVEL_FULL = 254;
const OFF = "#303030";
const WARM = { kelvin: 2700, rgb: [255, 178, 94] };
const COOL = { kelvin: 6500, rgb: [255, 255, 255] };
const LED = { dark: "#606060", well: "#20c040", dropped: "#f0a000", fatal: "#e02020" };

/**
 * The slots of an eighth of a second in which the status LED is lit, the lowest bit first, and what
 * it says: modules/commission/patterns.ts, which the firmware tells by name.
 */
const SLOT_MS = 125;
const SLOTS = 16;
const PATTERNS = {
  off: [0x0000, ""],
  network: [0x0001, "looks for its network"],
  flash: [0x0009, "its memory fails; it obeys nobody"],
  setup: [0x0049, "has no place in an installation, or a wrong one"],
  fatal: [0x5555, "starts anew in a moment"],
  fresh: [0x00ff, "belongs to nobody"],
  open: [0x3333, "waits to be joined, or a switch for taps on its lamps"],
  joining: [0x1111, "is being joined"],
  identify: [0x0f0f, "somebody asked which one it is"],
  in: [0x7fff, "is in the group"],
  out: [0x0505, "is not in the group"],
  armed: [0x7777, "forgets everything at the next press"],
};
/** Like nothing of mcsim's own. */
const BUTTON = "#b0b4b8";
const STATUS = { dark: "#202838", lit: "#40a0ff" };

const frame = (fill, border = 2) =>
  new Skin({ fill, stroke: "#505050", left: border, right: border, top: border, bottom: border });
const text = (font, horizontal = "center") => new Style({ font, color: "black", horizontal });

const hex = (rgb) => {
  const part = (value) => Math.round(Math.min(255, Math.max(0, value)));
  return `#${rgb.map((value) => part(value).toString(16).padStart(2, "0")).join("")}`;
};

/** White of a colour temperature, between what "warm" and "cool" lamps give. */
const ofMired = (mired) => {
  const kelvin = 1e6 / Math.max(1, mired);
  const share = (kelvin - WARM.kelvin) / (COOL.kelvin - WARM.kelvin);
  const at = Math.min(1, Math.max(0, share));
  return WARM.rgb.map((value, index) => value + (COOL.rgb[index] - value) * at);
};

/** CIE xy in 1/65536 as sRGB at its brightest (IEC 61966-2-1, without the gamma). */
const ofXy = (x16, y16) => {
  const [x, y] = [x16 / 65536, Math.max(1, y16) / 65536];
  const [bigX, bigZ] = [x / y, (1 - x - y) / y];
  const rgb = [
    3.2406 * bigX - 1.5372 - 0.4986 * bigZ,
    -0.9689 * bigX + 1.8758 + 0.0415 * bigZ,
    0.0557 * bigX - 0.204 + 1.057 * bigZ,
  ];
  const most = Math.max(...rgb, 1e-6);
  return rgb.map((value) => (255 * Math.max(0, value)) / most);
};

const colourOf = ({ level, mired, x, y }) => {
  if (level === 0) return OFF;
  // Even the lowest level is seen to be on.
  const bright = 0.3 + (0.7 * level) / LEVEL_FULL;
  const rgb = x === undefined ? ofMired(mired) : ofXy(x, y);
  return hex(rgb.map((value) => value * bright));
};

class LumicastBehavior extends DeviceBehavior {
  onJSON(container, shown) {
    container.distribute("onShown", shown);
    // On Linux mcsim repaints after events of its own only.
    container.defer("onRepaint");
  }
  onRepaint() {}
  onButtonDown(container) {
    this.postJSON(container, { button: true });
  }
  onButtonUp(container) {
    this.postJSON(container, { button: false });
  }
  onPress(container) {
    this.postJSON(container, { gesture: "press" });
  }
  onHold(container) {
    this.postJSON(container, { gesture: "hold" });
  }
  onHold5(container) {
    this.postJSON(container, { gesture: "hold5" });
  }
  onHold10(container) {
    this.postJSON(container, { gesture: "hold10" });
  }
  onDouble(container) {
    this.postJSON(container, { gesture: "double" });
  }
}

class LampBehavior extends Behavior {
  onShown(content, { lamp }) {
    if (lamp !== undefined) content.skin = frame(colourOf(lamp), 3);
  }
}

class LevelBehavior extends Behavior {
  onShown(label, { lamp }) {
    if (lamp === undefined) return;
    const percent = Math.round((lamp.level * 100) / LEVEL_FULL);
    label.string = lamp.level === 0 ? "off" : `level ${lamp.level} (${percent} %)`;
  }
}

class LedBehavior extends Behavior {
  onShown(content, { event, drop, status, fatal }) {
    if (fatal !== undefined) content.skin = frame(LED.fatal);
    else if (event !== undefined && event === drop) content.skin = frame(LED.dropped);
    else if (event !== undefined || status !== undefined) content.skin = frame(LED.well);
  }
}

/** The status LED: from each pattern's beginning, until another comes. */
class StatusBehavior extends Behavior {
  onShown(content, { pattern }) {
    if (pattern === undefined) return;
    this.lit = PATTERNS[pattern][0];
    this.slot = 0;
    this.draw(content);
    content.stop();
    if (this.lit === 0) return;
    content.interval = SLOT_MS;
    content.start();
  }
  onTimeChanged(content) {
    this.slot = (this.slot + 1) % SLOTS;
    this.draw(content);
  }
  draw(content) {
    const isLit = (this.lit >> this.slot) & 1;
    content.skin = frame(isLit ? STATUS.lit : STATUS.dark);
  }
}

class SaysBehavior extends Behavior {
  onShown(label, { pattern }) {
    if (pattern === undefined) return;
    label.string = pattern === "off" ? "" : `${pattern}: ${PATTERNS[pattern][1]}`;
  }
}

class NameBehavior extends Behavior {
  onShown(label, { status }) {
    if (status !== undefined) label.string = `${status.role} ${status.clientId}`;
  }
}

class GroupBehavior extends Behavior {
  onShown(label, { status }) {
    if (status === undefined) return;
    const groups = status.groups.map(({ id, keyId }) => `group ${id} key ${keyId}`);
    label.string = groups.length === 0 ? "in no group" : groups.join(", ");
  }
}

class ObservationBehavior extends Behavior {
  onShown(label, { status }) {
    if (status === undefined) return;
    const { observed = [], observes = [] } = status;
    const lines = [
      ...observed.map(({ path, by }) => `${by || "somebody"} observes ${path}`),
      ...observes.map(({ path, group, members }) => `observes ${path} of ${members} in ${group}`),
    ];
    label.string = lines.join(", ");
  }
}

class DropBehavior extends Behavior {
  onShown(label, { drop }) {
    if (drop !== undefined) label.string = `last drop: ${drop}`;
  }
}

class FatalBehavior extends Behavior {
  onShown(text, { fatal }) {
    if (fatal !== undefined) text.string = fatal;
  }
}

class ButtonBehavior extends Behavior {
  onTouchBegan(content) {
    content.skin = frame("#606060");
    content.bubble("onButtonDown");
  }
  onTouchEnded(content) {
    content.skin = frame(BUTTON);
    content.bubble("onButtonUp");
  }
}

const small = text("12px Open Sans");

const body = ($) => [
  Content($, { left: 16, top: 16, width: 18, height: 18, skin: frame(LED.dark), Behavior: LedBehavior }),
  Label($, { left: 40, right: 8, top: 14, height: 20, style: text("14px Open Sans", "left"), string: "not started", Behavior: NameBehavior }),
  Content($, { left: 50, top: 46, width: 140, height: 100, skin: frame(OFF, 3), Behavior: LampBehavior }),
  Label($, { left: 0, right: 0, top: 150, height: 20, style: small, string: "off", Behavior: LevelBehavior }),
  Content($, { left: 85, top: 178, width: 70, height: 50, active: true, skin: frame(BUTTON), Behavior: ButtonBehavior }),
  Content($, { left: 28, top: 194, width: 18, height: 18, skin: frame(STATUS.dark), Behavior: StatusBehavior }),
  Text($, { left: 4, top: 308, right: 4, height: 20, style: small, string: "", Behavior: SaysBehavior }),
  Label($, { left: 0, right: 0, top: 236, height: 18, style: small, string: "", Behavior: GroupBehavior }),
  Label($, { left: 0, right: 0, top: 254, height: 18, style: small, string: "last drop: none", Behavior: DropBehavior }),
  Label($, { left: 0, right: 0, top: 272, height: 18, style: small, string: "", Behavior: ObservationBehavior }),
  Text($, { left: 8, right: 8, top: 290, style: new Style({ font: "10px Open Sans", color: "#c00000", horizontal: "left" }), string: "", Behavior: FatalBehavior }),
];

export default {
  applicationName: "lin/mc/(debug|release|instrument)/lumicast|lumicast",
  title: "Lumicast",
  sortingTitle: "0000",
  Workers: {},
  ControlsTemplate: ControlsColumn.template(() => ({
    contents: [
      ButtonsRow({ label: "Press", buttons: [{ eventDown: "onPress", label: "Press" }] }),
      ButtonsRow({ label: "Hold 1.5 s", buttons: [{ eventDown: "onHold", label: "Hold" }] }),
      ButtonsRow({ label: "Hold 5 s", buttons: [{ eventDown: "onHold5", label: "Hold 5" }] }),
      ButtonsRow({ label: "Hold 10 s", buttons: [{ eventDown: "onHold10", label: "Hold 10" }] }),
      ButtonsRow({ label: "Press twice", buttons: [{ eventDown: "onDouble", label: "Double" }] }),
    ],
  })),
  DeviceTemplates: {
    0: DeviceContainer.template(($) => ({
      Behavior: LumicastBehavior,
      contents: [
        Container($, { left: 0, top: 0, width: 240, height: 330, skin: frame("#e0e0e0"), contents: body($) }),
        // The firmware has no screen of its own, but mcsim runs apps in one.
        DeviceScreen($, { left: 0, width: 0, top: 0, height: 0, rotation: 0 }),
      ],
    })),
  },
};
