/** What host.c has for the suite, besides a board. */

export function print(this: void, text: string): undefined {
  return native<undefined>("xs_host_print").call(this, text);
}

export function press(this: void, down: boolean): undefined {
  return native<undefined>("xs_host_press").call(this, down);
}
