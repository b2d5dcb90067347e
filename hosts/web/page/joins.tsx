/** The window for devices that are to come in, and how far each of them is. */
import type { ActionName, JoinState } from "../site.js";
import type { Do } from "./sheet.js";
import { ROLE_WORDS } from "./words.js";

export interface JoinsProps {
  readonly openUntil: number | null;
  readonly joins: Readonly<Record<string, JoinState>>;
  readonly now: number;
  readonly can: ReadonlySet<ActionName>;
  readonly act: Do;
}

export function Joins({ openUntil, joins, now, can, act }: JoinsProps) {
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
      <ul>
        {Object.values(joins).map(({ id, role, step, asks, failure }) => (
          <li key={id}>
            <span class="code">{id}</span>
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
    </section>
  );
}
