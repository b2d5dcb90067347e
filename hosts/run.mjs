/**
 * What stands behind every npm script: brings the build up to date, then runs the command.
 *
 *   node hosts/run.mjs COMMAND [arguments]
 *
 * Plain JavaScript without dependencies, so that a fresh clone needs Node >= 20, a C compiler and
 * make, and nothing else. The program runs in this very process once everything is built: the
 * terminal, Ctrl-C and the exit code are its own.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const everything = ["node", "host", "debug", "firmware"];
const stages = "test/run/main.js";

/** program: below build/node; first: arguments put before the person's. */
const commands = {
  start: {
    help: "a room of simulated devices: keys press, hold and double-press its switches",
    needs: ["node", "host", "firmware"],
    program: "hosts/room/main.js",
  },
  test: {
    help: "lint, types, tidy, unit suites on Node and XS, power cuts, simulations [--filter NAME]",
    needs: everything,
    program: stages,
    first: ["test"],
  },
  ci: {
    help: "test and every other suite's CI slice",
    needs: everything,
    program: stages,
    first: ["ci"],
  },
  simulator: {
    help: "the firmware in Moddable's desktop simulator, a window a device (needs $MODDABLE)",
    needs: ["node"],
    program: "hosts/simulator/main.js",
  },
  "test:sdk": {
    help: "the suites of test/sdk: simulator, unit suites on XS 17, builds (needs $MODDABLE)",
    needs: ["node"],
    program: stages,
    first: ["sdk"],
  },
  vectors: {
    help: "checks the vector files of DIR on Node and on XS: npm run vectors -- DIR [--json]",
    needs: ["node", "host"],
    program: "test/vectors/main.js",
  },
  bench: {
    help: "times and counts the receive and send path on Node and on XS",
    needs: ["node", "host", "firmware"],
    program: "hosts/bench/main.js",
  },
  compare: {
    help: "every profile on the same commands: bytes, frames, instructions, memory, proof [--json]",
    needs: ["node", "host"],
    program: "hosts/compare/main.js",
  },
  border: {
    help: "a border router between the 802.15.4 half of a room and UDP/IPv6: --file --interface",
    needs: ["node", "host", "firmware"],
    program: "hosts/border/main.js",
  },
  doctor: {
    help: "what is installed, and the command that mends what is missing [--for TARGET]",
    needs: ["node"],
    program: "hosts/doctor/main.js",
  },
  size: {
    help: "code, RAM and instructions of a luminaire against the committed budget [--target NAME]",
    needs: ["node", "host", "firmware"],
    program: "hosts/size/main.js",
  },
  reproduce: {
    help: "builds a commit twice, in different places, and compares the bytes [COMMIT]",
    needs: ["node"],
    program: "hosts/reproduce/main.js",
  },
  flash: {
    help: "one device's firmware onto its board: TARGET --installation FILE --device NAME [--port]",
    needs: ["node"],
    program: "hosts/flash/main.js",
  },
  lumicast: {
    help: "keys and rights of a place: authority, devices, groups, backup, log [--help]",
    needs: ["node"],
    program: "hosts/authority/main.js",
  },
  firmware: {
    help: "keys and signed packages for firmware updates: key FILE | pack IMAGE ...",
    needs: ["node"],
    program: "hosts/firmware/main.js",
  },
  mutants: {
    help: "deletes each security check in turn and demands a failing test [--filter NAME]",
    needs: ["node"],
    program: "test/mutants/main.js",
  },
  powercut: {
    help: "cuts the power at every flash operation, long form",
    needs: ["node"],
    program: "test/powercut/main.js",
  },
  year: {
    help: "a year of a room without servers, 100 cuts of power: --days --cuts --seed --json",
    needs: ["node"],
    program: "test/simulation/main.js",
  },
  fuzz: {
    help: "feeds damaged input to every parser, long form",
    needs: ["node", "host", "firmware"],
    program: "test/fuzz/main.js",
  },
  "test:interop": {
    help: "against others' CoAP: libcoap, npm coap, aiocoap, Californium, tshark [--filter NAME]",
    needs: ["node", "host", "firmware"],
    program: stages,
    first: ["interop"],
  },
  unit: { help: "the unit suites on Node and on XS [--filter NAME]", needs: ["node", "host"] },
  simulation: { help: "the simulation suites", needs: everything },
  tidy: { help: "imports, words, ceilings and the like [--filter NAME]", needs: ["node"] },
  lint: { help: "biome; mend with: npx biome check --write PATH", needs: ["node"] },
  typecheck: { help: "tsc, the portable code also without Node's types", needs: ["node"] },
  stage: {
    help: "one stage of the tests by its name: npm run stage -- NAME [--filter NAME]",
    needs: everything,
    program: stages,
  },
  cortexm: {
    help: "size, memory and instructions on an emulated Cortex-M4, counted [--json]",
    needs: ["node", "host", "firmware", "cortexm"],
    program: "hosts/cortexm/main.js",
  },
  build: {
    help: "only builds; all, or those of: node host debug m32 firmware cortexm",
    needs: ["node", "host", "firmware"],
  },
};

/** These report what does not build as one of their results. */
const tolerant = [
  "test",
  "test:sdk",
  "test:interop",
  "ci",
  "doctor",
  "mutants",
  "unit",
  "simulation",
  "tidy",
  "lint",
  "typecheck",
  "stage",
];

const [name, ...args] = process.argv.slice(2);

async function main() {
  const major = Number.parseInt(process.versions.node, 10);
  if (major < 20) {
    return fail(`Node ${process.versions.node} is too old: Lumicast needs Node 20 or newer.`);
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    console.log(usage());
    return;
  }
  const command = commands[name];
  if (command === undefined) return fail(`There is no command ${name}.\n${usage()}`);
  const { prepare, Problem, root } = await import("./prepare.mjs");
  try {
    const needs = name === "build" && args.length > 0 ? args : [...command.needs, ...wished()];
    await prepare(needs, { tolerant: tolerant.includes(name) });
  } catch (error) {
    if (error instanceof Problem) return fail(error.message);
    throw error;
  }
  if (name !== "build") await dispatch(command, root);
}

/** What only some command lines need. */
function wished() {
  return name === "start" && args.some((arg) => arg.startsWith("--cortexm")) ? ["cortexm"] : [];
}

async function dispatch(command, root) {
  const program = join(root, "build/node", command.program ?? stages);
  const first = command.program === undefined ? [name] : (command.first ?? []);
  if (!existsSync(program)) {
    return fail(`npm run ${name} is not there yet: nothing is compiled to ${program}.`);
  }
  process.argv = [process.argv[0], program, ...first, ...args];
  await import(pathToFileURL(program).href);
}

function usage() {
  const lines = Object.entries(commands).map(([word, { help }]) => `  ${word.padEnd(13)}${help}`);
  return ["npm run COMMAND -- [arguments], or node hosts/run.mjs COMMAND", ...lines].join("\n");
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

await main();
