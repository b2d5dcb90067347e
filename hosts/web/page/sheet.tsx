/** Everything about one device, and what can be done with it. */
import { Component } from "preact";
import type { ActionArgs, ActionName, DeviceState, GroupState } from "../site.js";
import { Confirm } from "./confirm.js";
import { Led, ledAdvice, ledText } from "./led.js";
import { heardText, isStale, levelText, ROLE_WORDS, trouble } from "./words.js";

export type Do = <N extends ActionName>(name: N, args: ActionArgs[N]) => void;

export interface SheetProps {
  readonly device: DeviceState;
  readonly groups: Readonly<Record<string, GroupState>>;
  readonly waiting: boolean;
  readonly now: number;
  readonly can: ReadonlySet<ActionName>;
  readonly act: Do;
  /** What the last action came to. */
  readonly said: string;
  readonly isWrong: boolean;
  readonly close: () => void;
}

interface SheetState {
  readonly name: string | undefined;
  readonly from: string | undefined;
  readonly to: string;
}

export class Sheet extends Component<SheetProps, SheetState> {
  override state: SheetState = { name: undefined, from: undefined, to: "" };
  #dialog: HTMLDialogElement | null = null;

  override componentDidMount(): void {
    this.#dialog?.showModal();
  }

  override render({ device, groups, now, waiting, said, isWrong, close }: SheetProps) {
    const wrong = trouble(device, waiting);
    const { pattern } = device;
    return (
      <dialog
        ref={(dialog) => {
          this.#dialog = dialog;
        }}
        class="sheet"
        aria-labelledby="sheet-name"
        onClose={close}
      >
        <header>
          <h2 id="sheet-name">{device.name}</h2>
          <button type="button" onClick={() => this.#dialog?.close()}>
            Close
          </button>
        </header>
        <dl>
          {device.role === "luminaire" && <dt>light</dt>}
          {device.role === "luminaire" && (
            <dd class={isStale(device, now) ? "stale" : ""}>{levelText(device)}</dd>
          )}
          <dt>last word</dt>
          <dd>{heardText(device, now)}</dd>
          {wrong !== "" && <dt>trouble</dt>}
          {wrong !== "" && <dd class="bad">{wrong}</dd>}
          {pattern !== null && pattern !== "off" && <dt>its LED</dt>}
          {pattern !== null && pattern !== "off" && (
            <dd>
              <Led pattern={pattern} />
              {`${ledText(pattern)}; ${ledAdvice(pattern)}`}
            </dd>
          )}
          <dt>kind</dt>
          <dd>{ROLE_WORDS[device.role]}</dd>
          <dt>EUI-64</dt>
          <dd class="code">{device.id}</dd>
          <dt>groups</dt>
          <dd>{groupsText(device, groups)}</dd>
          {device.drops !== null && <dt>dropped</dt>}
          {device.drops !== null && <dd>{device.drops}</dd>}
        </dl>
        <p class={isWrong ? "answer bad" : "answer"} role="status">
          {said}
        </p>
        <div class="doings">{this.#doings()}</div>
      </dialog>
    );
  }

  #doings() {
    const { device, can, act } = this.props;
    const { id, name, role } = device;
    const isPressed = role === "switch" && can.has("press");
    return (
      <>
        {isPressed && (
          <button type="button" onClick={() => act("press", { device: id })}>
            Press it
          </button>
        )}
        {can.has("identify") && (
          <button type="button" onClick={() => act("identify", { device: id })}>
            Let it blink
          </button>
        )}
        {can.has("rename") && this.#naming()}
        {can.has("move") && this.#moving()}
        {can.has("lost") && !device.isLost && (
          <Confirm
            label="Report it lost"
            question={`${name} can never come back, and its groups get new keys. Is it lost?`}
            yes="Yes, it is lost"
            act={() => act("lost", { device: id })}
          />
        )}
      </>
    );
  }

  #naming() {
    const { device, act } = this.props;
    const name = this.state.name ?? device.name;
    const rename = (event: Event) => {
      event.preventDefault();
      act("rename", { device: device.id, name });
    };
    return (
      <form onSubmit={rename}>
        <label>
          Name
          <input
            value={name}
            maxLength={32}
            onInput={(event) => this.setState({ name: event.currentTarget.value })}
          />
        </label>
        <button type="submit" disabled={name === device.name || name === ""}>
          Rename
        </button>
      </form>
    );
  }

  #moving() {
    const { device, groups, act } = this.props;
    const from = this.state.from ?? device.groups[0] ?? "";
    const { to } = this.state;
    const nameOf = (id: string) => groups[id]?.name ?? id;
    const others = Object.keys(groups).filter((id) => !device.groups.includes(id));
    const move = (event: Event) => {
      event.preventDefault();
      act("move", { device: device.id, from, to });
    };
    const choice = (ids: readonly string[], none: string) => (
      <>
        <option value="">{none}</option>
        {ids.map((id) => (
          <option key={id} value={id}>
            {nameOf(id)}
          </option>
        ))}
      </>
    );
    return (
      <form onSubmit={move}>
        <label>
          Out of
          <select
            value={from}
            onChange={(event) => this.setState({ from: event.currentTarget.value })}
          >
            {choice(device.groups, "no group")}
          </select>
        </label>
        <label>
          into
          <select value={to} onChange={(event) => this.setState({ to: event.currentTarget.value })}>
            {choice(others, "no group")}
          </select>
        </label>
        <button type="submit" disabled={from === "" && to === ""}>
          {to === "" ? "Take out" : "Move"}
        </button>
      </form>
    );
  }
}

function groupsText(
  { groups: own, keys }: DeviceState,
  groups: Readonly<Record<string, GroupState>>,
): string {
  if (own.length === 0) return "none";
  const one = (id: string) => {
    const { name = id, key = null } = groups[id] ?? {};
    const has = keys[id] ?? null;
    if (has === null) return `${name}: no key yet`;
    return key === null || has >= key
      ? `${name}: key ${has}`
      : `${name}: key ${has}, newest ${key}`;
  };
  return own.map(one).join("; ");
}
