/** A status LED as it blinks, and what that says: the table that the devices have. */
import { Component } from "preact";
import {
  isLit,
  PATTERNS,
  type PatternName,
  SLOT_MICROS,
  SLOTS,
} from "../../../modules/commission/patterns.js";

interface LedProps {
  readonly pattern: PatternName;
}

/** By the browser's own clock of animations: nothing is drawn anew for it. */
export class Led extends Component<LedProps> {
  #dot: HTMLElement | null = null;
  #blinking: Animation | undefined;

  override componentDidMount(): void {
    this.#blink();
  }

  override componentDidUpdate(before: LedProps): void {
    if (before.pattern !== this.props.pattern) this.#blink();
  }

  override render() {
    return (
      <span
        ref={(dot) => {
          this.#dot = dot;
        }}
        class="led"
        aria-hidden="true"
      />
    );
  }

  #blink(): void {
    this.#blinking?.cancel();
    // Who wants nothing to move reads what it says.
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const { pattern } = this.props;
    const frames = Array.from({ length: SLOTS }, (_, slot) => {
      const opacity = isLit(pattern, slot * SLOT_MICROS) ? 1 : 0.15;
      return { opacity, offset: slot / SLOTS, easing: "steps(1, end)" };
    });
    const duration = (SLOTS * SLOT_MICROS) / 1000;
    const last = { opacity: frames[0].opacity, offset: 1 };
    const timing = { duration, iterations: Number.POSITIVE_INFINITY };
    this.#blinking = this.#dot?.animate([...frames, last], timing);
  }
}

export function ledText(pattern: PatternName): string {
  return `${pattern}: ${PATTERNS[pattern].says}`;
}

/** What to do about it. */
export function ledAdvice(pattern: PatternName): string {
  return PATTERNS[pattern].todo;
}
