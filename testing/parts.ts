// Parts of the suites of conformance, for what runs beside a whole suite. CONTRIBUTING.md says where a part is enough.

/** Checks of operations that run at the same time: levels of isolation and kinds of servers decide them. */
export function ofParallel(check: string): boolean {
  return /parallel|at the same time|at once are|during|meanwhile|pending|thousands|another on the same storage/.test(check)
}

/** Checks of what is stored and when it expires: the columns of a table or the fields of a document decide them. */
export function ofLayout(check: string): boolean {
  return /expir|expiry|cookie|time-out|kept|text|owner|encrypt|record|hash|acceptPlain|length|all |swap|touch/i.test(check)
}
