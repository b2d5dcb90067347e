/** The page of a room: its board, and what can be done from there. */
import type { Installation } from "../installation/types.js";
import type { Medium } from "../medium/medium.js";
import type { Actions } from "../web/actions.js";
import { openPage } from "../web/open.js";
import type { Web, WebAt } from "../web/server.js";
import { RoomBoard } from "./board.js";
import type { LiveRoom } from "./live.js";

export interface RoomPageOptions {
  readonly at: WebAt;
  readonly installation: Installation;
  readonly isManaged: boolean;
  /** Whether everybody may look. */
  readonly isOpen: boolean;
  readonly say: (line: string) => void;
}

export function openRoomPage(
  medium: Medium,
  live: LiveRoom,
  { at, installation, isManaged, isOpen, say }: RoomPageOptions,
): Promise<Web> {
  const room = new RoomBoard(medium, installation, isManaged);
  live.onPress = (line) => room.pressed(line);
  const { board } = room;
  const commanded = async (command: string) => {
    medium.command(command);
    return { lines: [`${command}: under way, see Events`] };
  };
  const groupOf = (id: string) => {
    const group = installation.applicationGroups.find((one) => `${one.id}` === id);
    if (group === undefined) throw new Error(`there is no group ${id}`);
    return group.securityGroup;
  };
  const actions: Actions = {
    place: async ({ device, x, y }) => {
      const name = room.nameOf(device);
      board.put("devices", device, { x, y });
      return { lines: [`${name} hangs there, until the room ends`] };
    },
    press: async ({ device }) => {
      const name = room.nameOf(device);
      live.press(name);
      return { lines: [`${name} is pressed`] };
    },
    ...(isManaged && {
      rekey: async ({ group }: { group: string }) => commanded(`rekey ${groupOf(group)}`),
      lost: async ({ device }: { device: string }) => commanded(`lost ${room.nameOf(device)}`),
    }),
  };
  return openPage({ at, board, actions, isOpen, say });
}
