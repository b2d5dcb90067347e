/** The page: what the server tells, drawn; what a person does, asked of the server. */
import { Component, render } from "preact";
import type { ActionName, DeviceState, Facts, Site, Visitor } from "../site.js";
import { act, logout, visitor } from "./api.js";
import { Groups } from "./groups.js";
import { Happenings } from "./happenings.js";
import { Joins } from "./joins.js";
import { Live } from "./live.js";
import { Login } from "./login.js";
import { PictureForm } from "./picture.js";
import { Plan } from "./plan.js";
import { Rows } from "./rows.js";
import { type Do, Sheet } from "./sheet.js";
import { ageText } from "./words.js";

const TABS = { plan: "Plan", devices: "Devices", groups: "Groups", events: "Events" } as const;
type Tab = keyof typeof TABS;

interface State {
  readonly visitor: Visitor | undefined;
  readonly tab: Tab;
  readonly selected: string | undefined;
  readonly isAsked: boolean;
  /** What the last action came to. */
  readonly said: string;
  readonly isWrong: boolean;
  /** Only to be drawn again. */
  readonly turn: number;
}

const TICK_MS = 1000;
const AGAIN_MS = 3000;
const NO_FACTS: Facts = {
  ...{ name: "Lumicast", kind: "authority", openUntil: null, notice: "" },
  ...{ picture: null, pictureMetres: 20 },
};

class Page extends Component<object, State> {
  override state: State = {
    ...{ visitor: undefined, tab: "devices", selected: undefined, isAsked: false },
    ...{ said: "", isWrong: false, turn: 0 },
  };
  readonly #live = new Live(
    () => this.#redraw(),
    () => setTimeout(() => void this.#begin(), AGAIN_MS),
  );
  readonly #open = (selected: string) => this.setState({ selected, said: "", isWrong: false });

  override componentDidMount(): void {
    void this.#begin();
    setInterval(() => this.#redraw(), TICK_MS);
  }

  override render(_: object, { visitor: who, isAsked, tab, said, isWrong }: State) {
    const { site } = this.#live;
    const facts = site.facts.site ?? NO_FACTS;
    if (who === undefined) return <p class="empty">Looking for the server …</p>;
    const asksFirst = !who.mayLook || isAsked;
    return (
      <>
        <header class="top">
          <h1>{facts.name}</h1>
          {who.mayLook && <Heard live={this.#live} />}
          <button type="button" onClick={() => void this.#comeOrGo(who)} hidden={!who.mayLook}>
            {who.isIn ? "Log out" : "Log in"}
          </button>
        </header>
        <p class="said" role="status">
          {facts.notice !== "" && <span class="notice">{facts.notice}</span>}
          <span class={isWrong ? "bad" : ""}>{said}</span>
        </p>
        {asksFirst ? (
          <Login asks={who.asks} done={() => void this.#begin()} />
        ) : (
          <>
            <Tabs tab={tab} choose={(chosen) => this.setState({ tab: chosen })} />
            <main class={`show-${tab}${this.#live.isHeard ? "" : " unheard"}`}>
              {this.#view(site, facts, who)}
            </main>
          </>
        )}
      </>
    );
  }

  #view(site: Site, facts: Facts, who: Visitor) {
    const { selected, tab, said, isWrong } = this.state;
    const devices = Object.values(site.devices);
    const { now } = this.#live;
    const can = new Set(who.can);
    const waiting = new Set(devices.filter((device) => waits(device, site)).map(({ id }) => id));
    const about = { devices, groups: site.groups, now, waiting, selected, open: this.#open };
    const of = <N extends ActionName>(name: N, what: unknown) => (can.has(name) ? what : undefined);
    const place = (device: string, x: number, y: number) => this.#do("place", { device, x, y });
    const device = selected === undefined ? undefined : site.devices[selected];
    const rekey = (group: string) => this.#do("rekey", { group });
    return (
      <>
        <Plan {...about} facts={facts} place={of("place", place) as typeof place | undefined} />
        <div class="side">
          {tab === "plan" || tab === "devices" ? (
            <>
              <Joins
                {...{
                  now,
                  can,
                  act: this.#do,
                  joins: site.joins,
                  groups: site.groups,
                  openUntil: facts.openUntil,
                }}
              />
              <Rows {...about} />
            </>
          ) : null}
          {tab === "groups" && (
            <Groups {...about} rekey={of("rekey", rekey) as typeof rekey | undefined} />
          )}
          {tab === "events" && <Happenings site={site} now={now} />}
          {who.isIn && facts.kind === "authority" && tab === "groups" && (
            <PictureForm facts={facts} />
          )}
        </div>
        {device !== undefined && (
          <Sheet
            key={device.id}
            {...{ device, groups: site.groups, now, can, act: this.#do }}
            waiting={waiting.has(device.id)}
            said={said}
            isWrong={isWrong}
            close={() => this.setState({ selected: undefined })}
          />
        )}
      </>
    );
  }

  readonly #do: Do = (name, args) => {
    this.setState({ said: "…", isWrong: false });
    act(name, args).then(
      (lines) => this.setState({ said: lines.join(" ") }),
      (error: unknown) => {
        this.setState({ said: (error as Error).message, isWrong: true });
        // Perhaps nobody is in any more.
        void visitor().then((who) => this.setState({ visitor: who }));
      },
    );
  };

  async #begin(): Promise<void> {
    try {
      const who = await visitor();
      this.setState({ visitor: who, isAsked: false });
      if (who.mayLook) this.#live.open();
      else this.#live.close();
    } catch {
      setTimeout(() => void this.#begin(), AGAIN_MS);
    }
  }

  async #comeOrGo({ isIn }: Visitor): Promise<void> {
    if (!isIn) return this.setState({ isAsked: !this.state.isAsked });
    await logout().catch(() => {});
    await this.#begin();
  }

  #redraw(): void {
    this.setState({ turn: this.state.turn + 1 });
  }
}

/** Whether a newer key of some group of its is there, and it has not said that it has it. */
function waits({ keys }: DeviceState, { groups }: Site): boolean {
  return Object.entries(keys).some(([id, key]) => {
    const newest = groups[id]?.key ?? null;
    return newest !== null && newest > 0 && (key ?? 0) < newest;
  });
}

function Heard({ live }: { readonly live: Live }) {
  if (live.isHeard) return <span class="heard-well">live</span>;
  return <span class="bad">{`no word from the server: ${ageText(live.silentMs)}`}</span>;
}

function Tabs({ tab, choose }: { readonly tab: Tab; readonly choose: (tab: Tab) => void }) {
  const names = Object.keys(TABS) as Tab[];
  return (
    <nav class="tabs" aria-label="What to look at">
      {names.map((name) => (
        <button
          type="button"
          key={name}
          class={`tab-${name}`}
          aria-current={tab === name ? "page" : undefined}
          onClick={() => choose(name)}
        >
          {TABS[name]}
        </button>
      ))}
    </nav>
  );
}

render(<Page />, document.getElementById("page") ?? document.body);
