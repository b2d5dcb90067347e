/**
 * Nothing is left behind, however the program ends: child processes, sockets and temporary folders
 * are registered here and removed synchronously on exit, on an uncaught error and on the signals a
 * person or a supervisor sends. (After SIGKILL the devices end by themselves: their socket reaches
 * its end.)
 */

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof EXIT_CODES;
const SIGNALS = Object.keys(EXIT_CODES) as Signal[];

const live = new Set<() => void>();

/** Calls `remove` when the program ends, unless the returned function was called before. */
export function atEnd(remove: () => void): () => void {
  if (live.size === 0) listen();
  live.add(remove);
  return () => {
    if (live.delete(remove) && live.size === 0) unlisten();
  };
}

function removeAll(): void {
  for (const remove of live) {
    try {
      remove();
    } catch (error) {
      // The others still have to go; say what stayed.
      process.stderr.write(`cleaning up: ${error instanceof Error ? error.message : error}\n`);
    }
  }
  live.clear();
}

function onSignal(signal: Signal): void {
  // Exits even where an "exit" listener throws; the listener removes everything.
  process.exit(EXIT_CODES[signal]);
}

function listen(): void {
  process.on("exit", removeAll);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function unlisten(): void {
  process.off("exit", removeAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
