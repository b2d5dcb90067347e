/** A device's mark: its shape says what it is, its light how bright, its outline what to mend. */
import type { DeviceState } from "../site.js";

interface MarkProps {
  readonly device: DeviceState;
  readonly radius: number;
  readonly isStale: boolean;
  readonly trouble: string;
}

export function Mark({ device, radius, isStale, trouble }: MarkProps) {
  const { role, level } = device;
  const kinds = ["mark", role];
  if (isStale) kinds.push("stale");
  if (trouble !== "") kinds.push("troubled");
  if (role === "luminaire" && level === null) kinds.push("untold");
  if (level !== null && level > 0) kinds.push("lit");
  const shine = { fillOpacity: level === null ? 0 : 0.25 + (0.75 * level) / 254 };
  return (
    <g class={kinds.join(" ")}>
      <Shape role={role} radius={radius} class="body" />
      {level !== null && level > 0 && (
        <circle class="light" r={radius * 0.8} fill-opacity={isStale ? 0.2 : shine.fillOpacity} />
      )}
      {device.isLost && <path class="cross" d={crossOf(radius)} />}
    </g>
  );
}

interface ShapeProps {
  readonly role: DeviceState["role"];
  readonly radius: number;
  readonly class: string;
}

function Shape({ role, radius, class: kind }: ShapeProps) {
  if (role === "luminaire") return <circle class={kind} r={radius} />;
  const half = radius * 0.85;
  if (role === "switch" || role === "sender") {
    return <rect class={kind} x={-half} y={-half} width={2 * half} height={2 * half} rx={0.06} />;
  }
  if (role === "unknown") {
    return <path class={kind} d={`M0 ${-radius} L${radius} 0 L0 ${radius} L${-radius} 0 Z`} />;
  }
  return <path class={kind} d={`M0 ${-radius} L${radius} ${half} L${-radius} ${half} Z`} />;
}

function crossOf(radius: number): string {
  const r = radius * 1.2;
  return `M${-r} ${-r} L${r} ${r} M${-r} ${r} L${r} ${-r}`;
}
