/** The operator's page of README.md: every command on it, in its order, does what it says. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { euiOf } from "../support/lumicast.js";
import { deskWithDatabase, Programs } from "../support/running.js";

const { desk, database } = deskWithDatabase();
const programs = new Programs();

const text = readFileSync(join(ROOT, "README.md"), "utf8");
const [, page = ""] = /\n## Operating an authority\n([\s\S]*?)\n## /.exec(text) ?? [];
const lines = [...page.matchAll(/^ {4}npm run lumicast -- (.*)$/gm)].map(([, line]) => line);

/** Files and places of the page, as they are here. */
function wordsOf(line: string): { words: string[]; into: string | undefined } {
  const [command, into] = line.split(" > ");
  const words = (command.match(/'[^']*'|\S+/g) ?? []).map((word) => {
    const bare = word.replace(/^'|'$/g, "");
    if (bare.startsWith("~/")) return desk.path(bare.slice(2));
    if (bare.startsWith("postgres:")) return database.url();
    return /\.(psk|json|backup|pass)$/.test(bare) ? desk.path(bare) : bare;
  });
  return { words, into: into && desk.path(into) };
}

async function done(line: string): Promise<string> {
  const { words, into } = wordsOf(line);
  const { code, out, err } = await desk.run(...words);
  assert.equal(code, 0, `${line}: ${out}${err}`);
  if (into !== undefined) writeFileSync(into, out);
  return out;
}

/** What somebody has who begins to read. */
function prepare(): void {
  const psk = (at: number) => `${at}`.repeat(32);
  desk.secret("lamp-1.psk", psk(1));
  const second = { eui64: euiOf(2), name: "lamp-2", psk: psk(2) };
  desk.secret("factory.json", JSON.stringify([second]));
  desk.secret("backup.pass", "correct horse battery");
}

test("every command of the page is done, or tells what is missing", async () => {
  prepare();
  const state = desk.path("hall");
  process.env.LUMICAST_STATE = state;
  const met = new Set<string>();
  let inits = 0;
  for (const line of lines) {
    const [first, second] = line.split(" ");
    met.add(
      first === "authority" || first === "device" || first === "group"
        ? `${first} ${second}`
        : first,
    );
    if (line.startsWith("authority start")) {
      const ran = await programs.start(["--state", state]);
      await programs.kill(ran);
      continue;
    }
    if (first === "light") {
      // Nobody runs, so there is no key; test/authority/light.test.ts has lamps.
      const { words } = wordsOf(line);
      const { code, err } = await desk.run(...words, "--wait", "1s");
      assert.equal(code, 1, line);
      assert.match(err, /does not answer; start it|no network leads to/);
      continue;
    }
    if (first === "restore") process.env.LUMICAST_STATE = desk.path("restored");
    if (line.includes("postgres:")) {
      if (database.skip) continue;
      process.env.LUMICAST_STATE = desk.path(`several-${inits++}`);
    }
    await done(line);
  }
  delete process.env.LUMICAST_STATE;
  assert.deepEqual([...met].sort(), [
    ...["authority hand-over", "authority init", "authority show", "authority start"],
    ...["authority trust", "backup"],
    ...["device add", "doctor", "group add", "group create", "light", "log", "lost", "restore"],
    "sender",
  ]);
});
