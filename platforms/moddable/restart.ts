/** The way out: a restart that keeps its reason, for whoever reads the next boot's log. */

/** Restarts the board; what called it does not go on. */
export function restart(reason: string): never {
  trace(`fatal: ${reason}\n`);
  return native<never>("xs_lumicast_restart").call(undefined, reason);
}

/** Why the board restarted last, when that was not the power: a fatal error, the watchdog. */
export function restartReason(): string | undefined {
  return native<string | undefined>("xs_lumicast_restart_reason").call(undefined);
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
