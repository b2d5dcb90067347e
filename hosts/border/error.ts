/** What the person who runs the border router can mend; the message says how. */
export class BorderError extends Error {}
