/** Ends a `switch` over a union: a new variant fails the type check at that place. */

/** Throws; the type of `value` proves that no variant reaches it. */
export function unreachable(value: never): never {
  throw new Error(`Unexpected variant: ${JSON.stringify(value)}`);
}
