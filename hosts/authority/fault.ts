/** What goes wrong in a way that a person can mend: said without a stack, with what to do. */
export class Fault extends Error {}

/** A command line that cannot be used. */
export class UsageError extends Error {}

/** "a, b and c" for lists that people read. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

/** "1 device", "2 devices". */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
