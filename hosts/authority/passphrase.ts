/**
 * A passphrase, from where nobody else sees it: a file, the environment, or the keyboard. Never the
 * command line, which every user of the computer can read.
 */
import { existsSync, readFileSync } from "node:fs";
import { Fault, UsageError } from "./fault.js";
import { checkRights } from "./identity.js";

const VARIABLE = "LUMICAST_PASSPHRASE";
const CHARS_MIN = 8;
const INTERRUPT = "\u0003";
const BACKSPACES = ["\b", "\u007f"];

/** Twice from the keyboard where it is a new one. */
export async function passphrase(options: {
  file: string | undefined;
  isNew: boolean;
}): Promise<string> {
  const given = options.file === undefined ? process.env[VARIABLE] : read(options.file);
  const chosen = given ?? (await ask(options.isNew));
  if (chosen.length < CHARS_MIN) {
    throw new Fault(`a passphrase has ${CHARS_MIN} characters or more; take a longer one`);
  }
  return chosen;
}

function read(file: string): string {
  if (!existsSync(file)) throw new Fault(`--passphrase-file: there is no ${file}`);
  checkRights(file);
  return readFileSync(file, "utf8").replace(/\r?\n$/, "");
}

async function ask(isNew: boolean): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError(`which passphrase? Give --passphrase-file FILE or set ${VARIABLE}`);
  }
  const first = await hidden("passphrase: ");
  if (isNew && (await hidden("once more: ")) !== first) {
    throw new Fault("the two are not the same; begin again");
  }
  return first;
}

/** A line from the terminal that is not shown. */
function hidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let text = "";
    const end = (settle: () => void) => {
      stdin.off("data", take);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
      settle();
    };
    const take = (typed: string) => {
      for (const char of typed) {
        if (char === INTERRUPT) return end(() => reject(new Fault("interrupted")));
        if (char === "\r" || char === "\n") return end(() => resolve(text));
        text = BACKSPACES.includes(char) ? text.slice(0, -1) : text + char;
      }
    };
    stdin.on("data", take);
  });
}
