/**
 * npm run lumicast -- COMMAND: keys and rights of a place, from the command line.
 *
 * Problem: who may switch which lamps, and under which keys, is decided by an authority that runs
 * for years; people talk to it now and then. Rejected: a web page (a second way in to guard), and
 * commands that write the database under a running authority. Choice: one command whose words say
 * what is done; it is done by the authority that runs, over a socket only its owner can reach, or
 * right here when none runs.
 */
import { run } from "./cli.js";
import { linesOf } from "./lines.js";

const { line, close } = linesOf(process.stdin);
process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  line,
});
close();
