/** What host.c has for the suite, besides a board. */

export function print(text: string): void {
  native("xs_host_print").call(undefined, text);
}

export function press(down: boolean): void {
  native("xs_host_press").call(undefined, down);
}
