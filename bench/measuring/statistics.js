// Medians, their spread, and ratios.

/** @param {readonly number[]} values @param {number} share */
export function quantile(values, share) {
  const sorted = [...values].sort((one, other) => one - other)
  if (sorted.length === 0) return Number.NaN
  const place = (sorted.length - 1) * share
  const low = /** @type {number} */ (sorted[Math.floor(place)])
  const high = /** @type {number} */ (sorted[Math.ceil(place)])
  return low + (high - low) * (place - Math.floor(place))
}

/** @param {readonly number[]} values */
export const median = (values) => quantile(values, 0.5)

/** Half the distance between the quartiles, as a share of the median. @param {readonly number[]} values */
export function spread(values) {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / median(values)
}

/**
 * The median of the ratios of what was measured in the same round: what slows the machine down for a while slows both.
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs
 */
export function ratio(ours, theirs) {
  return median(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)).filter(Number.isFinite))
}
