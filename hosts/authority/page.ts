/** The page of an authority that runs: its board, and the works that can be done from there. */
import type { Level } from "../../modules/access/level.js";
import { RECEIVER } from "../../modules/access/scope.js";
import type { Actions, Done } from "../web/actions.js";
import { openPage } from "../web/open.js";
import { readPassword } from "../web/password.js";
import { Picture } from "../web/picture.js";
import type { WebAt } from "../web/server.js";
import type { ActionArgs } from "../web/site.js";
import type { Authority } from "./authority.js";
import { AuthorityBoard } from "./board.js";
import type { Ears } from "./ears.js";
import { Fault } from "./fault.js";
import { rolesOf } from "./groups.js";
import { checkRights } from "./identity.js";
import { PageJoins } from "./page-joins.js";
import { PagePresses } from "./page-presses.js";
import type { LastWords } from "./words.js";
import { type Place, type Running, type Say, WORKS } from "./works.js";

export interface AuthorityPageOptions {
  readonly at: WebAt;
  /** Whether who is not in may look. */
  readonly isOpen: boolean;
  readonly running: Running;
  readonly words: LastWords;
  /** Hears what members say, where it listens to groups. */
  readonly ears: Pick<Ears, "onSaid">;
  readonly say: Say;
}

/** Long enough to look up from the page. */
const BLINK_SECONDS = 10;
/** A page does not wait for members that are asleep. */
const PATIENCE_MS = 1500;
/** What a device may do in a group that it comes into, where nothing is known of it before. */
const USUAL = { level: 2 as Level, roles: RECEIVER };

export async function openAuthorityPage(
  authority: Authority,
  { at, isOpen, running, words, ears, say }: AuthorityPageOptions,
): Promise<{ close(): Promise<void> }> {
  const { state } = authority;
  const password = readPassword(state.webPassword);
  if (password !== undefined) checkRights(state.webPassword);
  const shown = new AuthorityBoard(authority, words);
  const { board } = shown;
  const picture = new Picture(state.floorPicture, (now) => {
    board.put("facts", "site", now);
  });
  await shown.start();
  ears.onSaid = (said) => shown.said(said);
  words.onPressed = (credential) => shown.pressed(credential);
  const notice = (words: string) => board.put("facts", "site", { notice: words });
  const place: Place = { authority, running, say: notice };
  const actions = actionsOf(place, shown, notice);
  const web = await openPage({ at, board, actions, password, picture, isOpen, say });
  const close = async () => {
    shown.stop();
    await web.close();
  };
  return { close };
}

function actionsOf(place: Place, shown: AuthorityBoard, notice: Say): Actions {
  const { authority } = place;
  const looked = async (work: Promise<string[]>): Promise<Done> => {
    const done = work.finally(() => shown.look());
    const later = new Promise<string[]>((resolve) => {
      setTimeout(() => resolve(["it is under way; see Events"]), PATIENCE_MS).unref();
    });
    // Whoever waited until then reads it there.
    done.catch((error: unknown) => notice((error as Error).message));
    return { lines: await Promise.race([done, later]) };
  };
  const joins = new PageJoins(place, shown.board, notice);
  const presses = new PagePresses(place, shown.board, notice);
  return {
    ...(authority.identity.role === "both" && {
      joinOpen: () => joins.open(),
      joinClose: () => {
        presses.close();
        return joins.close();
      },
      joinPress: async (args: ActionArgs["joinPress"]) => {
        await joins.close();
        return presses.open(args);
      },
      joinConfirm: (args: ActionArgs["joinConfirm"]) => presses.confirm(args),
      joinCode: (args: ActionArgs["joinCode"]) => joins.code(args),
    }),
    place: (args) =>
      looked(WORKS.placeDevice(place, args).then(({ device }) => [`${device} hangs there now`])),
    move: (args) => looked(move(place, args)),
    identify: ({ device }) =>
      looked(
        WORKS.identify(place, { device, seconds: BLINK_SECONDS }).then((done) => [
          `${done.device} blinks for ${done.seconds} s`,
        ]),
      ),
    rename: (args) =>
      looked(WORKS.rename(place, args).then((done) => [`${done.before} is ${done.name} now`])),
    rekey: ({ group }) =>
      looked(
        WORKS.rekeyGroup(place, { group, broken: false }).then((done) => [
          `${done.group} has key ${done.key}`,
        ]),
      ),
    ...(authority.identity.role !== "kdc" && {
      lost: ({ device }: { device: string }) =>
        looked(WORKS.lost(place, { device }).then((done) => [`${done.device} is lost`])),
    }),
  };
}

/** Into the other group first: a device that may be in none gets no keys. */
async function move(
  place: Place,
  { device, from, to }: { device: string; from: string; to: string },
): Promise<string[]> {
  const known = await WORKS.showDevice(place, { device });
  const { groups } = await WORKS.listGroups(place, {});
  const nameOf = (id: string) => groups.find(({ number }) => `${number}` === id)?.name ?? id;
  const lines: string[] = [];
  if (to !== "") {
    const grant = known.grants.find(({ group }) => group === nameOf(from));
    const { level, roles } = grant === undefined ? USUAL : grant;
    const bits = typeof roles === "number" ? roles : (rolesOf(roles) ?? RECEIVER);
    const granted = { group: to, devices: [device], level: level as Level, roles: bits };
    const { split } = await WORKS.addToGroup(place, granted);
    if (split !== undefined)
      throw new Fault(`${nameOf(to)} is full; divide it: lumicast group add`);
    lines.push(`${known.name} may be in ${nameOf(to)}`);
  }
  if (from !== "") {
    await WORKS.removeFromGroup(place, { group: from, devices: [device] });
    lines.push(`${known.name} is out of ${nameOf(from)}`);
  }
  return lines;
}
