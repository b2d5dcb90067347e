import { fileURLToPath } from "node:url";

/** The repository, seen from build/node/test/support; ends in a slash. For tests on Node only. */
export const root = fileURLToPath(new URL("../../../../", import.meta.url));
