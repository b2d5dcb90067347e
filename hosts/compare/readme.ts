/** The place in README.md that this command fills. */

const BEGIN = "<!-- npm run compare -- --readme -->";
const END = "<!-- end of it -->";

/** `text` with `part` in that place. Throws an Error when there is none. */
export function withPart(text: string, part: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`README.md has no place for the table: ${BEGIN}`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${part}\n\n${text.slice(end)}`;
}
