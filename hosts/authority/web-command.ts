/** `lumicast authority web-password`: what lets people in at the authority's page. */
import { rmSync } from "node:fs";
import { emitPassword, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "../web/password.js";
import { type Command, FLAG, TEXT, textOf } from "./command.js";
import { Fault } from "./fault.js";
import { writeSecret } from "./identity.js";
import { passphrase } from "./passphrase.js";

export const webPassword: Command = {
  words: "authority web-password",
  usage: "[--passphrase-file FILE | --none]",
  about: "Sets the password of the authority's page (authority start --web).",
  help: `  --passphrase-file FILE   where it stands, else it is asked for at the terminal
  --none             takes it away: codes are printed at the start in its place

An authority that runs takes it when it is started anew. Only a hash of it is kept.
`,
  options: { "passphrase-file": TEXT, none: FLAG },
  operands: [0, 0],
  run: async ({ state, values }) => {
    state.check();
    const isSet = values.none !== true;
    if (!isSet) rmSync(state.webPassword, { force: true });
    else {
      const file = textOf(values, "passphrase-file");
      const password = await passphrase({ file, isNew: true });
      if (password.length < PASSWORD_CHARS_MIN || password.length > PASSWORD_CHARS_MAX) {
        throw new Fault(
          `a page's password has ${PASSWORD_CHARS_MIN} to ${PASSWORD_CHARS_MAX} signs`,
        );
      }
      writeSecret(state.webPassword, await emitPassword(password));
    }
    return { json: { isSet }, lines: [isSet ? "the page has this password" : "it has none now"] };
  },
};
