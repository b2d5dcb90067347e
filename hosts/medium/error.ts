/**
 * Something outside this program went wrong: a device process, a missing build. For a person to
 * read.
 */
export class MediumError extends Error {}
