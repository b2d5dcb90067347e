/** One end of DTLS as a program, on either engine (firmware/dtls.ts). */
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import type { DtlsEnd } from "./firmware/dtls.js";
import { type Engine, type Folder, HOST, image, type Place, Program } from "./programs.js";

let ends = 0;
let images = 0;

function dtlsImage(folder: Folder, end: DtlsEnd): string {
  const name = `dtls-${images++}`;
  const from = (path: string) => JSON.stringify(join(ROOT, path));
  const lines = [
    `import { board } from ${from("platforms/headless/board.ts")};`,
    `import { DtlsProgram } from ${from("test/interop/firmware/dtls.ts")};`,
    `const END = ${JSON.stringify(JSON.stringify(end))};`,
    "export default function main() { new DtlsProgram(board(), JSON.parse(END)); }",
  ];
  return image(name, folder.file(`${name}.ts`, `${lines.join("\n")}\n`));
}

/** Starts it, and waits until it is ready. With `name` it finds what it left in flash before. */
export async function dtlsEnd(
  engine: Engine,
  place: Place,
  folder: Folder,
  end: DtlsEnd,
  name = `${ends++}`,
): Promise<Program> {
  const flash = folder.file(`dtls-${name}.flash`);
  let program: Program;
  if (engine === "XS") {
    const provision = folder.file("dtls.cbor", Uint8Array.of(0xa0));
    const files = ["--provision", provision, "--flash", flash, "--eui64", "02000000000000d7"];
    // noble's curves are evaluated when they are first used, in one deep expression.
    files.push("--stack", "4096", "--no-preload");
    program = new Program(place, HOST, "run", dtlsImage(folder, end), ...files);
  } else {
    const main = join(ROOT, "build/node/test/interop/node/dtls.js");
    program = new Program(place, process.execPath, main, flash, JSON.stringify(end));
  }
  await program.line(/"log":"ready"/, 30);
  return program;
}

/** Waits until a program says so on its standard error. */
export async function complains(program: Program, text: string): Promise<void> {
  for (let waited = 0; !program.errors.includes(text); waited++) {
    if (waited > 200) throw new Error(`says nothing like ${text}: ${program.errors}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
