/** One device on the floor plan. Two hundred of them: only those are drawn anew that differ. */
import { Component } from "preact";
import type { DeviceState } from "../site.js";
import { Mark } from "./marks.js";

/** What can be done to a device on the plan, by its id. */
export interface Hands {
  readonly open: (id: string) => void;
  readonly key: (event: KeyboardEvent, id: string) => void;
  readonly focus: (id: string) => void;
  readonly grab: (event: PointerEvent, id: string) => void;
  readonly drag: (event: PointerEvent, id: string) => void;
  readonly drop: () => void;
  readonly cancel: () => void;
}

export interface PlanSpotProps {
  readonly device: DeviceState;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** What it is called by who cannot see it. */
  readonly label: string;
  readonly trouble: string;
  readonly isStale: boolean;
  readonly isSelected: boolean;
  readonly isMoving: boolean;
  readonly isNamed: boolean;
  /** The Tab key comes to one of them; arrow keys go on from there. */
  readonly isFirst: boolean;
  readonly hands: Hands;
}

export class PlanSpot extends Component<PlanSpotProps> {
  override shouldComponentUpdate(next: PlanSpotProps): boolean {
    const names = Object.keys(next) as (keyof PlanSpotProps)[];
    return names.some((name) => next[name] !== this.props[name]);
  }

  override render({ device, x, y, radius, hands, ...look }: PlanSpotProps) {
    const { id, name } = device;
    const kinds = ["spot"];
    if (look.isSelected) kinds.push("selected");
    if (look.isMoving) kinds.push("moving");
    return (
      // biome-ignore lint/a11y/useSemanticElements: there is no button element in SVG
      <g
        id={`spot-${id}`}
        class={kinds.join(" ")}
        transform={`translate(${x} ${y})`}
        role="button"
        tabIndex={look.isFirst ? 0 : -1}
        aria-label={look.label}
        onClick={() => hands.open(id)}
        onKeyDown={(event) => hands.key(event, id)}
        onFocus={() => hands.focus(id)}
        onPointerDown={(event) => hands.grab(event, id)}
        onPointerMove={(event) => hands.drag(event, id)}
        onPointerUp={hands.drop}
        onPointerCancel={hands.cancel}
      >
        <circle class="target" r={radius * 1.35} />
        <Mark device={device} radius={radius} isStale={look.isStale} trouble={look.trouble} />
        {look.isNamed && (
          <text class="name" y={radius + 0.34}>
            {name}
          </text>
        )}
      </g>
    );
  }
}
