/** `/.well-known/core` (RFC 6690): what this device has, with filters. */
import { utf8 } from "../bytes/utf8.js";
import { linkFormat } from "../coap/linkformat.js";
import { CONTENT, findTexts, LINK_FORMAT, URI_QUERY } from "../coap/options.js";
import { accepts, content, REPLY, type Reply, type Request, type Resource } from "./resource.js";

/** An empty list for one asker; to a group it is not worth an answer (RFC 7252 §8.2). */
const NONE: Reply = Object.freeze({ code: CONTENT, quiet: true });

/** Lists `resources`; where the query selects none of them, a multicast one is not answered. */
export function discover(request: Request, resources: readonly Resource[]): Reply {
  const queries = findTexts(request.options, URI_QUERY);
  // RFC 6690 §4.1: one filter. Several, or one that is no text, select nothing.
  if (queries === undefined) return REPLY.badOption;
  if (queries.length > 1) return REPLY.badOption; // check: discovery-one-query
  if (!accepts(request, LINK_FORMAT)) return REPLY.notAcceptable;
  const links = linkFormat(resources, queries[0]);
  if (links === "") return NONE; // check: discovery-quiet
  return content(LINK_FORMAT, utf8(links));
}
