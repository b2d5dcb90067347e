/** The repository's own files, whatever folder the compiled tests run from. */
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";

export const EXAMPLE = join(ROOT, "hosts/installation/example/meeting-room.json");
