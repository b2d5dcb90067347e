/** The list of devices: what each shows, when it was last heard, what is wrong with it. */
import { Component } from "preact";
import type { DeviceState, GroupState } from "../site.js";
import { Led, ledText } from "./led.js";
import { Mark } from "./marks.js";
import { byName, heardText, isStale, isTouched, levelText, trouble } from "./words.js";

export interface RowsProps {
  readonly devices: readonly DeviceState[];
  readonly groups: Readonly<Record<string, GroupState>>;
  readonly now: number;
  readonly waiting: ReadonlySet<string>;
  readonly selected: string | undefined;
  readonly open: (id: string) => void;
}

interface RowsState {
  readonly words: string;
  readonly group: string;
  readonly isTroubled: boolean;
}

export class Rows extends Component<RowsProps, RowsState> {
  override state: RowsState = { words: "", group: "", isTroubled: false };

  override render(props: RowsProps, { words, group, isTroubled }: RowsState) {
    const { groups, devices, now, waiting, selected, open } = props;
    const wanted = words.toLowerCase();
    const shown = devices
      .filter(({ name, id }) => name.toLowerCase().includes(wanted) || id.includes(wanted))
      .filter((device) => group === "" || device.groups.includes(group))
      .filter((device) => !isTroubled || trouble(device, waiting.has(device.id)) !== "")
      .sort(byName);
    return (
      <div class="rows">
        <div class="tools">
          <input
            type="search"
            aria-label="Find a device"
            placeholder="Find a device"
            value={words}
            onInput={(event) => this.setState({ words: event.currentTarget.value })}
          />
          <select
            aria-label="Of which group"
            value={group}
            onChange={(event) => this.setState({ group: event.currentTarget.value })}
          >
            <option value="">all groups</option>
            {Object.values(groups).map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
          <label>
            <input
              type="checkbox"
              checked={isTroubled}
              onChange={(event) => this.setState({ isTroubled: event.currentTarget.checked })}
            />
            only with trouble
          </label>
        </div>
        <p class="count">{`${shown.length} of ${devices.length} devices`}</p>
        <ul class="list">
          {shown.map((device) => (
            <Row
              key={device.id}
              device={device}
              heard={heardText(device, now)}
              isStale={isStale(device, now)}
              isTouched={isTouched(device, now)}
              trouble={trouble(device, waiting.has(device.id))}
              keys={keysText(device, groups)}
              isSelected={selected === device.id}
              open={open}
            />
          ))}
        </ul>
      </div>
    );
  }
}

interface RowProps {
  readonly device: DeviceState;
  readonly heard: string;
  readonly isStale: boolean;
  readonly isTouched: boolean;
  readonly trouble: string;
  readonly keys: string;
  readonly isSelected: boolean;
  readonly open: (id: string) => void;
}

/** Two hundred of them, and one press changes all: only those are drawn that differ. */
class Row extends Component<RowProps> {
  #row: HTMLElement | null = null;

  override shouldComponentUpdate(next: RowProps): boolean {
    const names = Object.keys(next) as (keyof RowProps)[];
    return names.some((name) => next[name] !== this.props[name]);
  }

  /** Who presses a button far down the list looks for its row. */
  override componentDidUpdate(before: RowProps): void {
    if (this.props.isTouched && !before.isTouched) this.#row?.scrollIntoView({ block: "nearest" });
  }

  override render({
    device,
    heard,
    isStale,
    isTouched,
    trouble,
    keys,
    isSelected,
    open,
  }: RowProps) {
    const { pattern } = device;
    return (
      <li>
        <button
          type="button"
          ref={(row) => {
            this.#row = row;
          }}
          class={`row${isStale ? " stale" : ""}${isTouched ? " touched" : ""}`}
          aria-current={isSelected}
          onClick={() => open(device.id)}
        >
          <svg viewBox="-0.5 -0.5 1 1" aria-hidden="true">
            <Mark device={device} radius={0.4} isStale={isStale} trouble={trouble} />
          </svg>
          <span class="who">{device.name}</span>
          <span class="level">{levelText(device)}</span>
          <span class="heard">{heard}</span>
          <span class="keys">{keys}</span>
          {pattern !== null && pattern !== "off" && (
            <span class="says">
              <Led pattern={pattern} />
              {ledText(pattern)}
            </span>
          )}
          {isTouched && <span class="now">this one, just now</span>}
          {trouble !== "" && <span class="badge">{trouble}</span>}
        </button>
      </li>
    );
  }
}

/** "key 3", or by group where there are several. */
export function keysText(
  { keys }: DeviceState,
  groups: Readonly<Record<string, GroupState>>,
): string {
  const all = Object.entries(keys);
  if (all.length === 0) return "";
  if (all.length === 1) return all[0][1] === null ? "no key" : `key ${all[0][1]}`;
  return all.map(([id, key]) => `${groups[id]?.name ?? id} ${key ?? "no key"}`).join(", ");
}
