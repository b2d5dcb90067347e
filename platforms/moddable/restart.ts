/** The way out: a restart that keeps its reason, for whoever reads the next boot's log. */
import { restartNow } from "./bound.js";

/** Restarts the board; what called it does not go on. */
export function restart(reason: string): never {
  trace(`fatal: ${reason}\n`);
  return restartNow(reason);
}

/** `fire`, but an exception in it (our bug) restarts the board instead of going unheard. */
export function guarded(fire: () => void): () => void {
  return () => {
    try {
      fire();
    } catch (error) {
      restart(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    }
  };
}
