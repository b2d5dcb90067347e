/** `lumicast backup`, `restore`, `log` and `token ...`: what is kept, and what was done. */
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Skipped } from "../../modules/authority/restore.js";
import { Authority } from "./authority.js";
import { type Contents, open, seal } from "./backup.js";
import {
  type Call,
  type Command,
  FLAG,
  TEXT,
  type Told,
  textOf,
  timeText,
  wholeOf,
} from "./command.js";
import { isRunning } from "./control.js";
import { counted, Fault, UsageError } from "./fault.js";
import { parseIdentity, writeIdentity, writeSecret } from "./identity.js";
import { passphrase } from "./passphrase.js";
import { State } from "./state.js";
import { showToken, type TokenView } from "./tokens.js";

const SECRET_HELP = `  --passphrase-file FILE
                     holds the passphrase; else $LUMICAST_PASSPHRASE, else the keyboard
`;

const backup: Command = {
  words: "backup",
  usage: "FILE",
  about: "Writes everything of the authority into one encrypted file; it may go on running.",
  help: `${SECRET_HELP}
Keep the file somewhere else, and the passphrase somewhere else again: without it nobody reads it.
Make one after every change of devices or groups.
`,
  options: { "passphrase-file": TEXT },
  operands: [1, 1],
  run: async ({ values, operands, work }) => {
    const [file] = operands;
    if (existsSync(file)) throw new Fault(`${file} is there already; give another name`);
    const secret = await passphrase({ file: textOf(values, "passphrase-file"), isNew: true });
    const contents = await work("contents", { to: file });
    const sealed = seal(contents, secret);
    writeSecret(file, sealed);
    // What cannot be opened again is no backup.
    open(readFileSync(file), secret);
    const rows = contents.rows.length;
    return {
      json: { file, bytes: sealed.length, rows, madeAt: contents.madeAt },
      lines: [`${file}: ${counted(rows, "row")} in ${sealed.length} bytes, and it opens again`],
    };
  },
};

const restore: Command = {
  words: "restore",
  usage: "FILE [--replace]",
  about: "Begins an authority from a backup.",
  help: `${SECRET_HELP}\
  --replace          even where there is an authority in --state, or in its database, already

Numbers that may have been given since the backup are skipped, and every group gets a new key, which
goes to its members when the authority runs. What happened since the backup is not known any more:
report devices that were lost since then as lost again, before it starts.
`,
  options: { "passphrase-file": TEXT, replace: FLAG },
  operands: [1, 1],
  run: async (call) => {
    const [file] = call.operands;
    if (!existsSync(file)) throw new Fault(`there is no ${file}`);
    const { state, values } = call;
    const isReplaced = existsSync(state.key) || existsSync(state.database);
    if (isReplaced && values.replace !== true) {
      throw new Fault(
        `there is an authority in ${state.folder} already; take another --state, or give ` +
          "--replace to put the backup in its place",
      );
    }
    if (await isRunning(state)) {
      throw new Fault("the authority runs; stop it first: lumicast authority stop --anyway");
    }
    const secret = await passphrase({ file: textOf(values, "passphrase-file"), isNew: false });
    return restored(call, open(readFileSync(file), secret));
  },
};

/** Made beside what is there, and put in its place when it is whole. */
async function restored({ state, open: given, values }: Call, contents: Contents): Promise<Told> {
  const { database: before, ...read } = parseIdentity(contents.identity, "the backup's key");
  const database = given.database ?? before;
  const identity = database === undefined ? read : { ...read, database };
  state.make();
  const fresh = new State(join(state.folder, "restoring"));
  rmSync(fresh.folder, { recursive: true, force: true });
  fresh.make();
  writeIdentity(fresh.key, identity);
  const authority = await Authority.open(fresh, { create: true });
  const skipped = await authority
    .begin(contents.rows, values.replace === true)
    .finally(() => authority.close());
  // A cut in between leaves what does not fit together, and is refused: restore once more.
  renameSync(fresh.head, state.head);
  if (database === undefined) renameSync(fresh.database, state.database);
  renameSync(fresh.key, state.key);
  rmSync(fresh.folder, { recursive: true });
  return restoredTold(identity.domain, contents, skipped);
}

function restoredTold(domain: string, contents: Contents, skipped: Skipped): Told {
  const { madeAt, rows } = contents;
  const { groups } = skipped;
  const made = timeText(madeAt);
  return {
    json: { madeAt, rows: rows.length, ...skipped },
    lines: [
      `${domain}: ${counted(rows.length, "row")} of ${made}`,
      `${counted(groups.length, "group")} will have a new key: lumicast authority start`,
      ...groups.map(({ group, members }) => `  ${group}: ${members.join(", ") || "nobody"}`),
      `Who was put out or lost since ${made} is in there again. Before that, for each of them:`,
      "lumicast lost DEVICE, or lumicast group remove GROUP DEVICE",
    ],
  };
}

const log: Command = {
  words: "log",
  usage: "[--last N] [--verify]",
  about: "What was done here, by whom; and whether anybody changed that story.",
  help: `  --last N           only the newest N entries (20; 0: all)
  --verify           looks at every entry, every row and the signed end: exit code 1 when something
                     was edited, removed, moved or cut off
`,
  options: { last: { ...TEXT, default: "20" }, verify: FLAG },
  operands: [0, 0],
  run: async ({ values, work }) => {
    if (values.verify === true) return verified(await work("verifyLog", {}, { unchecked: true }));
    const last = wholeOf("last", textOf(values, "last") ?? "20", { least: 0, most: 2 ** 31 });
    const { entries, count } = await work("readLog", { last }, { unchecked: true });
    const lines = entries.map(({ number, at, by, what, changes }) => {
      return `${number}  ${timeText(at)}  ${by}  ${[what, changes].filter(Boolean).join(": ")}`;
    });
    return { json: { entries, count }, lines };
  },
};

function verified(found: { ok: boolean; count: number; faults: readonly string[] }): Told {
  const { ok, count, faults } = found;
  const good = `${counted(count, "entry").replace("entrys", "entries")}, as they were written`;
  const advice = "Somebody wrote to the database. Find out who, then restore a backup.";
  return { json: found, ok, lines: ok ? [good] : [...faults, advice] };
}

const tokenShow: Command = {
  words: "token show",
  usage: "FILE|HEX|-",
  about: "What a token says; whoever made it.",
  help: "",
  options: {},
  operands: [1, 1],
  run: async ({ operands }) => {
    const view = showToken(tokenOf(operands[0]));
    return { json: view, lines: tokenLines(view) };
  },
};

const tokenVerify: Command = {
  words: "token verify",
  usage: "FILE|HEX|-",
  about: "Whether a token was issued here, or by one that is trusted here, and counts just now.",
  help: "",
  options: {},
  operands: [1, 1],
  run: async ({ operands, work }) => {
    const token = Buffer.from(tokenOf(operands[0])).toString("hex");
    const answer = await work("verifyToken", { token });
    const { valid, fault, device } = answer;
    const verdict = valid
      ? `valid, of ${device ?? "nobody who is known here"}`
      : `refused: ${fault}`;
    return { json: answer, lines: [verdict, ...tokenLines(answer)], ok: valid };
  },
};

function tokenOf(text: string): Uint8Array {
  if (text === "-") return fromText(readFileSync(0));
  if (/^([0-9a-f]{2})+$/i.test(text)) return Buffer.from(text, "hex");
  if (!existsSync(text)) throw new UsageError(`${text} is neither hex digits nor a file`);
  return fromText(readFileSync(text));
}

/** The bytes themselves, or hex. */
function fromText(bytes: Buffer): Uint8Array {
  const text = bytes.toString("latin1").trim();
  return /^([0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, "hex") : bytes;
}

function tokenLines(view: TokenView): string[] {
  const { issuer, audience, clientId, id, holder, issuedAt, expiresAt, scope, securityGroup } =
    view;
  const groups = scope.map(({ group, level, roles }) => {
    return `  ${group === null ? "the device itself" : `group ${group}`}: level ${level}, ${roles}`;
  });
  return [
    `issued by ${issuer} for ${audience} to client ${clientId}, token ${id}, ${view.bytes} bytes`,
    `belongs to ${holder === null ? "whoever bears it" : `who shows ${holder}`}`,
    `issued ${timeText(issuedAt)}, ends ${timeText(expiresAt)}`,
    ...(securityGroup === null ? [] : [`with the key of security group ${securityGroup}`]),
    ...groups,
  ];
}

export const KEEP_COMMANDS: readonly Command[] = [backup, restore, log, tokenShow, tokenVerify];
