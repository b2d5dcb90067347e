/** Devices that are to come in: which of them wait, how far each is, and the code of its label. */
import { Component } from "preact";
import { parseLabel } from "../../../modules/commission/label.js";
import { Sha256 } from "../../../modules/crypto/sha256.js";
import type { ActionName, GroupState, JoinState } from "../site.js";
import { Confirm } from "./confirm.js";
import type { Do } from "./sheet.js";
import { byName, ROLE_WORDS } from "./words.js";

export interface JoinsProps {
  readonly openUntil: number | null;
  readonly joins: Readonly<Record<string, JoinState>>;
  readonly groups: Readonly<Record<string, GroupState>>;
  readonly now: number;
  readonly can: ReadonlySet<ActionName>;
  readonly act: Do;
}

export function Joins({ openUntil, joins, groups, now, can, act }: JoinsProps) {
  if (!can.has("joinOpen")) return null;
  const left = openUntil === null ? 0 : Math.max(0, Math.ceil((openUntil - now) / 1000));
  return (
    <section class="joins card" aria-label="New devices">
      <h3>New devices</h3>
      {left > 0 ? (
        <p>
          {`Open for ${left} s: press the button of the device now. `}
          <button type="button" onClick={() => act("joinClose", {})}>
            Close
          </button>
        </p>
      ) : (
        <button type="button" onClick={() => act("joinOpen", {})}>
          Let devices join
        </button>
      )}
      <ul aria-live="polite">
        {Object.entries(joins).map(([key, { id, role, step, asks, failure }]) => (
          <li key={key}>
            {id !== "" && <span class="code">{id}</span>}
            {` ${ROLE_WORDS[role]}: ${step}`}
            {failure !== null && <span class="bad">{failure}</span>}
            {asks && (
              <button type="button" onClick={() => act("joinConfirm", { device: id })}>
                It is the one that blinks
              </button>
            )}
          </li>
        ))}
      </ul>
      {can.has("joinCode") && (
        <CodeForm groups={groups} act={act} presses={can.has("joinPress") && left === 0} />
      )}
    </section>
  );
}

interface CodeProps {
  readonly groups: Readonly<Record<string, GroupState>>;
  readonly act: Do;
  /** Whether joins by a press alone can be opened now. */
  readonly presses: boolean;
}

interface CodeState {
  readonly label: string;
  readonly name: string;
  readonly group: string | undefined;
}

const SYMBOLS = 28;
const TYPED_MAX = 64;
const SCANNED = /^\s*LUMICAST:/i;
const HINT = "28 characters; O counts as 0, I and L as 1, gaps as nothing";

/** The browser's own digests are there on secure origins alone. */
const digests = { sha256: (data: Uint8Array) => new Sha256().digest(data) };

/** What to say of what is typed so far; a slip is told here, and costs none of the guesses. */
function heed(label: string): { readonly isRight: boolean; readonly said: string } {
  const typed = label.replace(/[\s-]/g, "").length;
  if (typed === 0) return { isRight: false, said: HINT };
  if (!SCANNED.test(label) && typed < SYMBOLS) {
    return { isRight: false, said: `${typed} of ${SYMBOLS}` };
  }
  const parsed = parseLabel(digests, label);
  return parsed.ok
    ? { isRight: true, said: "it reads well" }
    : { isRight: false, said: parsed.why };
}

/** What is typed leaves with the request, and is not kept here. */
class CodeForm extends Component<CodeProps, CodeState> {
  override state: CodeState = { label: "", name: "", group: undefined };

  override render({ groups, act, presses }: CodeProps, { label, name, group }: CodeState) {
    const all = Object.values(groups).sort(byName);
    const chosen = group ?? all[0]?.id ?? "";
    const { isRight, said } = heed(label);
    const join = (event: Event) => {
      event.preventDefault();
      act("joinCode", { label, name, group: chosen });
      this.setState({ label: "", name: "" });
    };
    return (
      <form class="typed" onSubmit={join}>
        <label>
          Code on its label
          <input
            class="code"
            value={label}
            maxLength={TYPED_MAX}
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            aria-describedby="typed"
            onInput={(event) => this.setState({ label: event.currentTarget.value })}
          />
        </label>
        <span id="typed" class="hint" role="status">
          {said}
        </span>
        <label>
          into
          <select
            value={chosen}
            onChange={(event) => this.setState({ group: event.currentTarget.value })}
          >
            <option value="">no group yet</option>
            {all.map(({ id, name: called }) => (
              <option key={id} value={id}>
                {called}
              </option>
            ))}
          </select>
        </label>
        <label>
          called
          <input
            value={name}
            maxLength={32}
            placeholder="by its number"
            onInput={(event) => this.setState({ name: event.currentTarget.value })}
          />
        </label>
        <button type="submit" disabled={!isRight}>
          Join it
        </button>
        {presses && <Presses act={() => act("joinPress", { group: chosen })} />}
      </form>
    );
  }
}

function Presses({ act }: { readonly act: () => void }) {
  return (
    <Confirm
      label="Join by presses, without labels"
      question={
        "For three minutes a device that is pressed blinks, and comes in when you say that " +
        "it is the one. It may be switched and dimmed then, and no more. Is nobody else near?"
      }
      yes="Yes, open it"
      act={act}
    />
  );
}
