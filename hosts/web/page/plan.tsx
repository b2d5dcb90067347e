/** The floor plan: devices where they hang, and a way to put them there, by finger or by key. */
import { Component } from "preact";
import type { DeviceState, Facts } from "../site.js";
import { directionOf, type Floor, floorOf, nextSpot, type Spot } from "./floor.js";
import { type Hands, PlanSpot } from "./spot.js";
import { heardText, isStale, levelText, trouble } from "./words.js";

export interface PlanProps {
  readonly devices: readonly DeviceState[];
  readonly facts: Facts;
  readonly now: number;
  readonly selected: string | undefined;
  readonly waiting: ReadonlySet<string>;
  /** Undefined: it may not be done. */
  readonly place: ((id: string, x: number, y: number) => void) | undefined;
  readonly open: (id: string) => void;
}

interface PlanState {
  readonly isArranging: boolean;
  readonly zoom: number;
  readonly ratio: number;
  /** Which one the keyboard is at. */
  readonly at: string | undefined;
  /** Where one is being moved to. */
  readonly moved: { readonly id: string; readonly x: number; readonly y: number } | undefined;
}

const STEP = 0.25;
const STEPS_WITH_SHIFT = 4;
const ZOOM_MAX = 4;
/** With so few, there is room for names. */
const NAMED_MAX = 60;
/** After the last arrow key. */
const SETTLED_MS = 500;

export class Plan extends Component<PlanProps, PlanState> {
  override state: PlanState = {
    ...{ isArranging: false, zoom: 1, ratio: 0.6, at: undefined, moved: undefined },
  };
  #settling: number | undefined;
  #picture: string | null = null;
  #svg: SVGSVGElement | null = null;
  #floor: Floor = floorOf([], this.props.facts, 1);
  readonly #hands: Hands = {
    open: (id) => this.state.isArranging || this.props.open(id),
    key: (event, id) => this.#key(event, id),
    focus: (at) => this.setState({ at }),
    grab: (event, id) => this.#grab(event, id),
    drag: (event, id) => this.#drag(event, id),
    drop: () => this.#drop(),
    cancel: () => this.setState({ moved: undefined }),
  };

  override render({ devices, facts, place }: PlanProps, { zoom, isArranging, ratio }: PlanState) {
    this.#measure(facts);
    const floor = floorOf(devices, facts, ratio);
    this.#floor = floor;
    const arrange = () => this.setState({ isArranging: !isArranging });
    const wider = (by: number) => () =>
      this.setState({ zoom: Math.min(ZOOM_MAX, Math.max(1, zoom * by)) });
    return (
      <section class="plan" aria-label="Floor plan">
        <div class="tools">
          <button type="button" onClick={wider(1.5)} aria-label="Larger">
            +
          </button>
          <button type="button" onClick={wider(1 / 1.5)} aria-label="Smaller">
            −
          </button>
          {place !== undefined && (
            <button type="button" aria-pressed={isArranging} onClick={arrange}>
              {isArranging ? "Done moving" : "Move devices"}
            </button>
          )}
          <span class="hint">
            {isArranging
              ? "Drag, or arrow keys (Shift: farther)"
              : "Arrow keys go from one to the next"}
          </span>
        </div>
        <div class="ground">{this.#drawing(floor)}</div>
      </section>
    );
  }

  #drawing(floor: Floor) {
    const { facts } = this.props;
    const { zoom, isArranging } = this.state;
    const { left, top, width, height, waitingY } = floor;
    return (
      // biome-ignore lint/a11y/useSemanticElements: there is no fieldset in SVG
      <svg
        ref={(svg) => {
          this.#svg = svg;
        }}
        class={isArranging ? "arranging" : ""}
        role="group"
        aria-label="Devices on the floor plan"
        viewBox={`${left} ${top} ${width} ${height}`}
        style={{ width: `${zoom * 100}%` }}
      >
        {facts.picture !== null && (
          <image
            href={`/floor?${facts.picture}`}
            width={facts.pictureMetres}
            height={facts.pictureMetres * 20}
            preserveAspectRatio="xMinYMin meet"
          />
        )}
        {waitingY !== undefined && (
          <g class="waiting">
            <line x1={left} x2={left + width} y1={waitingY} y2={waitingY} />
            <text x={left + 0.2} y={waitingY + 0.4}>
              not placed yet
            </text>
          </g>
        )}
        {floor.spots.map((spot) => this.#spot(spot, floor))}
      </svg>
    );
  }

  #spot(spot: Spot, floor: Floor) {
    const { now, selected, waiting, devices } = this.props;
    const { device } = spot;
    const { id, name } = device;
    const moved = this.state.moved?.id === id ? this.state.moved : undefined;
    const wrong = trouble(device, waiting.has(id));
    const said = `${name}: ${levelText(device)}, ${heardText(device, now)}`;
    return (
      <PlanSpot
        key={id}
        device={device}
        x={moved?.x ?? spot.x}
        y={moved?.y ?? spot.y}
        radius={floor.radius}
        label={wrong === "" ? said : `${said}, ${wrong}`}
        trouble={wrong}
        isStale={isStale(device, now)}
        isSelected={selected === id}
        isMoving={moved !== undefined}
        isNamed={devices.length <= NAMED_MAX}
        isFirst={(this.state.at ?? floor.spots[0].device.id) === id}
        hands={this.#hands}
      />
    );
  }

  #key(event: KeyboardEvent, id: string): void {
    const { spots } = this.#floor;
    const spot = spots.find(({ device }) => device.id === id);
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.props.open(id);
      return;
    }
    const direction = directionOf(event.key);
    if (direction === undefined || spot === undefined) return;
    event.preventDefault();
    if (!this.state.isArranging) {
      const next = nextSpot(spots, spot, direction);
      if (next !== undefined) document.getElementById(`spot-${next.device.id}`)?.focus();
      return;
    }
    const far = STEP * (event.shiftKey ? STEPS_WITH_SHIFT : 1);
    const from = this.state.moved?.id === id ? this.state.moved : spot;
    this.#move(id, from.x + direction[0] * far, from.y + direction[1] * far);
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#drop(), SETTLED_MS);
  }

  #grab(event: PointerEvent, id: string): void {
    const spot = this.#floor.spots.find(({ device }) => device.id === id);
    if (!this.state.isArranging || this.props.place === undefined || spot === undefined) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    this.#move(id, spot.x, spot.y);
  }

  #drag(event: PointerEvent, id: string): void {
    if (this.state.moved?.id !== id || event.buttons === 0) return;
    const matrix = this.#svg?.getScreenCTM();
    if (!matrix) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    this.#move(id, at.x, at.y);
  }

  /** To the centimetre. */
  #move(id: string, x: number, y: number): void {
    const rounded = (metres: number) => Math.round(metres * 100) / 100;
    this.setState({ moved: { id, x: rounded(x), y: rounded(y) } });
  }

  #drop(): void {
    const { moved } = this.state;
    if (moved === undefined) return;
    this.props.place?.(moved.id, moved.x, moved.y);
    // The server's word takes over; it is here within a moment.
    setTimeout(() => {
      if (this.state.moved === moved) this.setState({ moved: undefined });
    }, SETTLED_MS);
  }

  #measure({ picture }: Facts): void {
    if (picture === this.#picture) return;
    this.#picture = picture;
    if (picture === null) return;
    const image = new Image();
    image.onload = () => this.setState({ ratio: image.naturalHeight / image.naturalWidth });
    image.src = `/floor?${picture}`;
  }
}
