/**
 * A preloaded image as an assembler file: its bytes, but for the words that point into the program
 * that made it. Those become references to the same symbols, which the linker resolves and keeps.
 */
import { spawnSync } from "node:child_process";

export interface Symbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}

/** What a program defines by name and other files may refer to. Throws an Error. */
export function symbolsOf(elf: string): Symbol[] {
  const { status, stdout, stderr } = spawnSync("arm-none-eabi-nm", ["-gS", "--defined-only", elf], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`arm-none-eabi-nm ${elf}: ${stderr}`);
  return [...stdout.matchAll(/^([0-9a-f]{8}) (?:([0-9a-f]{8}) )?[A-Z] (.+)$/gm)].map(
    ([, address, size, name]) => ({
      name,
      address: Number.parseInt(address, 16),
      size: Number.parseInt(size ?? "0", 16),
    }),
  );
}

/** `references`: little-endian offsets of those words, 32 bits each. */
export function assembly(
  image: Uint8Array,
  references: Uint8Array,
  symbols: readonly Symbol[],
): string {
  const words = new DataView(image.buffer, image.byteOffset, image.length);
  const offsets = new DataView(references.buffer, references.byteOffset, references.length);
  const sorted: number[] = [];
  for (let at = 0; at < references.length; at += 4) sorted.push(offsets.getUint32(at, true));
  sorted.sort((a, b) => a - b);
  const lines = [".syntax unified", '.section .image,"a"'];
  let done = 0;
  for (const offset of sorted) {
    if (offset > done) lines.push(`.incbin "image.bin", ${done}, ${offset - done}`);
    lines.push(`.word ${nameOf(words.getUint32(offset, true), symbols)}`);
    done = offset + 4;
  }
  lines.push(`.incbin "image.bin", ${done}`, "");
  return lines.join("\n");
}

/** Functions are Thumb code: their addresses are odd, and the linker makes them so again. */
function nameOf(address: number, symbols: readonly Symbol[]): string {
  const exact = symbols.find((symbol) => symbol.address === (address & ~1) && symbol.size > 0);
  if (exact !== undefined && (address & 1) === 1) return exact.name;
  const inside = symbols.find(
    (symbol) => address >= symbol.address && address < symbol.address + symbol.size,
  );
  if (inside !== undefined) return `${inside.name} + ${address - inside.address}`;
  throw new Error(
    `the image refers to 0x${address.toString(16)}, which has no global name: a native function ` +
      "has to be native_... in platforms/native/xs13, other C code not static",
  );
}
