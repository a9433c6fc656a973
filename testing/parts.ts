// Parts of the suites of conformance, for variants of a backend that runs a whole suite. CONTRIBUTING.md says when a part is enough.

/** Checks of operations that run at the same time: levels of isolation and kinds of servers decide them. */
export function ofParallel(check: string): boolean {
  return /parallel|at the same time|at once are|during|meanwhile|pending|thousands|another on the same storage/.test(check)
}

/** Checks of stored data and expiries: the columns of a table or the fields of a document decide them. */
export function ofLayout(check: string): boolean {
  return /expir|expiry|cookie|time-out|kept|text|owner|encrypt|record|hash|acceptPlain|length|all |swap|touch/i.test(check)
}

/** Checks of a client's parameters and results: values, counts, many at once. */
export function ofClient(check: string): boolean {
  const isOfValues = /kept|saved|stored|returns|touch|swap|count|purge|thousands|hundreds|any id|parallel|closed/.test(check)
  return isOfValues && !/idsOf (follows|of|yields (no|a|an|the|nothing|what) )|owner that|owners|apart|during/.test(check)
}
