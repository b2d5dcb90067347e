/** Where everything is on the plan, in metres. */
import type { DeviceState, Facts } from "../site.js";

export interface Spot {
  readonly device: DeviceState;
  readonly x: number;
  readonly y: number;
  /** Nobody has said where it hangs: it waits below the plan. */
  readonly isWaiting: boolean;
}

export interface Floor {
  readonly spots: readonly Spot[];
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Of a device's mark. */
  readonly radius: number;
  /** Where those begin that nobody has placed; undefined: there are none. */
  readonly waitingY: number | undefined;
}

const MARGIN = 1;
const WIDTH_MIN = 12;
/** Of a plan with nothing on it. */
const HEIGHT_MIN = 6;
/** Between those that wait, so that their names are apart. */
const APART = 1.6;
const RADIUS_MAX = 0.4;
const RADIUS_MIN = 0.12;
const CROWDED = 0.28;

/** `ratio`: of the picture's height to its width. */
export function floorOf(devices: readonly DeviceState[], facts: Facts, ratio: number): Floor {
  const placed = devices.filter(({ x, y }) => x !== null && y !== null);
  const xs = placed.map(({ x }) => x ?? 0);
  const ys = placed.map(({ y }) => y ?? 0);
  if (facts.picture !== null) {
    xs.push(0, facts.pictureMetres);
    ys.push(0, facts.pictureMetres * ratio);
  }
  if (xs.length === 0) xs.push(0, WIDTH_MIN);
  if (ys.length === 0) ys.push(0, HEIGHT_MIN);
  const left = Math.min(...xs) - MARGIN;
  const top = Math.min(...ys) - MARGIN;
  const width = Math.max(WIDTH_MIN, Math.max(...xs) + MARGIN - left);
  const bottom = Math.max(...ys) + MARGIN;
  const away = devices.filter(({ x, y }) => x === null || y === null);
  const across = Math.max(1, Math.floor(width / APART));
  const room = CROWDED * Math.sqrt((width * (bottom - top)) / Math.max(1, placed.length));
  const radius = Math.max(RADIUS_MIN, Math.min(RADIUS_MAX, room));
  const spots = apart(placed, radius);
  const waitingY = away.length === 0 ? undefined : bottom;
  away.forEach((device, at) => {
    const x = left + APART * ((at % across) + 0.5);
    const y = bottom + APART * (Math.floor(at / across) + 0.6);
    spots.push({ device, x, y, isWaiting: true });
  });
  const height =
    bottom - top + (away.length === 0 ? 0 : APART * Math.ceil(away.length / across) + 0.4);
  return { spots, left, top, width, height, radius, waitingY };
}

/** Who hangs where another does is drawn below it. */
function apart(placed: readonly DeviceState[], radius: number): Spot[] {
  const taken = new Map<string, number>();
  return placed.map((device) => {
    const [x, y] = [device.x ?? 0, device.y ?? 0];
    const place = `${Math.round(x / radius)} ${Math.round(y / radius)}`;
    const others = taken.get(place) ?? 0;
    taken.set(place, others + 1);
    return { device, x, y: y + others * (radius * 2 + 0.4), isWaiting: false };
  });
}

const TURNS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The direction of an arrow key. */
export function directionOf(key: string): readonly [number, number] | undefined {
  return TURNS[key];
}

/** The nearest one in a direction; what lies aside counts as farther away. */
export function nextSpot(
  spots: readonly Spot[],
  from: Spot,
  [dx, dy]: readonly [number, number],
): Spot | undefined {
  let best: Spot | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const spot of spots) {
    const [x, y] = [spot.x - from.x, spot.y - from.y];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (ahead <= 0 || spot === from) continue;
    const cost = ahead + 2 * aside;
    if (cost < bestCost) [best, bestCost] = [spot, cost];
  }
  return best;
}
