/** Reads QR codes with a decoder that is not ours: jsQR, which knows no more than pixels. */
import { createRequire } from "node:module";

type Decode = (rgba: Uint8ClampedArray, width: number, height: number) => { data: string } | null;

const decode = createRequire(import.meta.url)("jsqr") as Decode & { default?: Decode };

/** Pixels, four bytes each; undefined where no code is seen. */
export function decoded(rgba: Uint8ClampedArray, width: number): string | undefined {
  const height = rgba.length / 4 / width;
  return (decode.default ?? decode)(rgba, width, height)?.data;
}

/** Draws a path of unit squares, "M4 5h1v1h-1z…", `side` of them each way, black on white. */
export function drawn(path: string, side: number): { rgba: Uint8ClampedArray; width: number } {
  const scale = 4;
  const width = side * scale;
  const rgba = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let at = 0; at < scale * scale; at++) {
      const column = Number(x) * scale + (at % scale);
      const row = Number(y) * scale + Math.floor(at / scale);
      rgba.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
    }
  }
  return { rgba, width };
}
