/** The groups, their keys, and who is in them. */
import type { DeviceState, GroupState } from "../site.js";
import { Confirm } from "./confirm.js";
import { ageText, byName } from "./words.js";

export interface GroupsProps {
  readonly groups: Readonly<Record<string, GroupState>>;
  readonly devices: readonly DeviceState[];
  readonly now: number;
  readonly rekey: ((group: string) => void) | undefined;
  readonly open: (id: string) => void;
}

export function Groups({ groups, devices, now, rekey, open }: GroupsProps) {
  const all = Object.values(groups).sort(byName);
  if (all.length === 0) return <p class="empty">There is no group yet.</p>;
  return (
    <ul class="cards">
      {all.map((group) => {
        const members = devices.filter((device) => device.groups.includes(group.id)).sort(byName);
        return (
          <li key={group.id} class="card">
            <h3>{group.name}</h3>
            <dl>
              <dt>scheme</dt>
              <dd>{group.profile}</dd>
              <dt>newest key</dt>
              <dd>{keyText(group)}</dd>
              <dt>devices</dt>
              <dd>{members.length}</dd>
              {group.told !== null && <dt>last heard</dt>}
              {group.told !== null && (
                <dd>{`${group.told}, ${ageText(now - (group.toldAt ?? now))}`}</dd>
              )}
              <dt>without that key</dt>
              <dd class={group.waiting > 0 ? "bad" : ""}>{group.waiting}</dd>
            </dl>
            {rekey !== undefined && (
              <Confirm
                label="Renew the key"
                question="Every member gets a new key. Now?"
                yes="Yes, renew it"
                act={() => rekey(group.id)}
              />
            )}
            <p class="chips">
              {members.map(({ id, name }) => (
                <button type="button" key={id} onClick={() => open(id)}>
                  {name}
                </button>
              ))}
            </p>
          </li>
        );
      })}
    </ul>
  );
}

function keyText({ key }: GroupState): string {
  if (key === null) return "not known here";
  return key === 0 ? "none yet" : `epoch ${key}`;
}
