/** One link: resources/table.ts's rows are of this shape. */
export interface Link {
  /** Without the leading slash. */
  readonly path: string;
  /** `rt="a b";ct=60`, as it is emitted; "" for none. Undefined: not listed. */
  readonly attributes?: string;
}

/**
 * application/link-format of the links that `query` (one Uri-Query, RFC 6690 §4.1) selects; all of
 * them without one. "" when none is left.
 */
export function linkFormat(links: readonly Link[], query?: string): string {
  void [links, query];
  throw new Error("being written");
}
