/** What happened: presses, new keys on their way, and what was dropped for which reason. */
import type { DropState, PressState, RekeyState, Site } from "../site.js";
import { ageText, millis, REASONS } from "./words.js";

export function Happenings({ site, now }: { readonly site: Site; readonly now: number }) {
  const newest = <T extends { id: number }>(rows: Readonly<Record<string, T>>) =>
    Object.values(rows).sort((a, b) => b.id - a.id);
  const drops = Object.values(site.drops).sort((a, b) => b.count - a.count);
  return (
    <div class="happenings">
      <h3>Presses</h3>
      <ul class="presses">
        {newest(site.presses).map((press) => (
          <Press key={press.id} press={press} now={now} />
        ))}
      </ul>
      {Object.keys(site.presses).length === 0 && <p class="empty">None yet.</p>}
      <h3>New keys</h3>
      <ul class="rekeys">
        {newest(site.rekeys).map((rekey) => (
          <Rekey key={rekey.id} rekey={rekey} now={now} />
        ))}
      </ul>
      {Object.keys(site.rekeys).length === 0 && (
        <p class="empty">None since this page's server began.</p>
      )}
      <h3>Dropped</h3>
      <Drops drops={drops} now={now} />
    </div>
  );
}

function Press({ press, now }: { readonly press: PressState; readonly now: number }) {
  const { what, at, lamps, changed, firstMs, lastMs } = press;
  return (
    <li class="press" data-id={press.id}>
      <strong>{what}</strong>
      {changed === null ? (
        <span>{`told to ${lamps} lamps`}</span>
      ) : (
        <>
          <span class={changed < lamps ? "bad" : ""}>{`${changed} of ${lamps} lamps`}</span>
          <span>{`first ${millis(firstMs)}, last ${millis(lastMs)}`}</span>
        </>
      )}
      <span class="age">{ageText(now - at)}</span>
    </li>
  );
}

function Rekey({ rekey, now }: { readonly rekey: RekeyState; readonly now: number }) {
  const { what, at, of, done, isOver, left } = rekey;
  const text = `${done} of ${of}${isOver ? ", over" : ""}`;
  return (
    <li>
      <strong>{what}</strong>
      <progress max={Math.max(1, of)} value={of === 0 ? 1 : done} aria-label={what} />
      <span>{text}</span>
      <span class="age">{ageText(now - at)}</span>
      {Object.entries(left).map(([device, why]) => (
        <span key={device} class="bad">{`${device}: ${why}`}</span>
      ))}
    </li>
  );
}

function Drops({ drops, now }: { readonly drops: readonly DropState[]; readonly now: number }) {
  if (drops.length === 0) return <p class="empty">Nothing was dropped.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th>reason</th>
          <th class="figure">count</th>
          <th>last</th>
        </tr>
      </thead>
      <tbody>
        {drops.map(({ reason, count, device, at }) => (
          <tr key={reason}>
            <td>
              <strong>{reason}</strong> {REASONS[reason] ?? ""}
            </td>
            <td class="figure">{count}</td>
            <td>{`${device}, ${ageText(now - at)}`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
