/** Requests of our own beside commands: sealed, with what their answers are held against. */
import type { Inner } from "../coap/message.js";
import type { AppGroup } from "../groups/directory.js";
import type { Groups } from "../groups/groups.js";
import { seal } from "../groups/seal.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Bound, Header } from "./parts.js";

export interface Asking {
  readonly header: Header;
  readonly inner: Inner;
  readonly appGroup: AppGroup;
  /** The group, or one member of it. */
  readonly to: Endpoint;
  /** For whom alone it is protected, where that is between two. */
  readonly peer: Uint8Array | undefined;
}

/** Under the group's newest key; undefined where there is no key or number for it. */
export function sealRequest(
  groups: Groups,
  { peer, ...asking }: Asking,
): { readonly bytes: Uint8Array; readonly bound: Bound } | undefined {
  const sealed = seal(groups, {
    ...asking,
    clear: [],
    association: undefined,
    request: undefined,
    ...(peer === undefined ? {} : { peer }),
  });
  if (!sealed.ok) return undefined;
  const { bytes, binding: request } = sealed.value;
  return { bytes, bound: { request, awaited: groups.schemes?.awaiting(sealed.value) } };
}
