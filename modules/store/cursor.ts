/**
 * Where the log stands, in words that native help reads and moves as TypeScript does
 * (platforms/native/journal.c): offsets in the partition unless said otherwise.
 */

/** Where the next record goes. */
export const POSITION = 0;
/** End of the head's sector. */
export const END = 1;
/** Begin of what a cut or a worn cell left unfinished before POSITION; 0 when nothing is. */
export const DEBRIS = 2;
/** End of what counts before it. */
export const KEEP = 3;
/** Generation of the head's sector. */
export const GENERATION = 4;
/** Records written since this object was made. */
export const WRITES = 5;
/** Bytes kept free at the end of every sector. Never changes. */
export const SPARE = 6;
/** Program unit in bytes. Never changes. */
export const UNIT = 7;
export const CURSOR_WORDS = 8;
