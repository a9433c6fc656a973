// Small charts, written by hand as SVG; they follow the reader's light or dark setting.

const style = `<style>
text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:14px}.soft{fill:#57606a}
.ours{fill:#1a7f37;stroke:#1a7f37}.peer{fill:#8c959f;stroke:#8c959f}.limit{fill:none;stroke:#8c959f;stroke-dasharray:4 3}.line{fill:none;stroke-width:2}.grid{stroke:#d0d7de}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.soft{fill:#9198a1}.ours{fill:#3fb950;stroke:#3fb950}.peer{fill:#6e7681;stroke:#6e7681}.limit{fill:none;stroke:#6e7681}.line{fill:none}.grid{stroke:#30363d}}
</style>`

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** @param {number} value */
const short = (value) =>
  value >= 10_000
    ? `${Math.round(value / 1000)}k`
    : value >= 1000
      ? `${(value / 1000).toFixed(1)}k`
      : value >= 10
        ? String(Math.round(value))
        : value.toFixed(1)

/** @param {number} width @param {number} height @param {string} title @param {readonly string[]} parts */
function drawing(width, height, title, parts) {
  const name = escaped(title)
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${name}">`
  return `${open}${style}<text class="title" x="8" y="20">${name}</text>\n${parts.join('\n')}\n</svg>\n`
}

/**
 * Bars that lie one below the other, the longest the highest value.
 * @param {string} title
 * @param {readonly { name: string, kind: 'ours' | 'peer' | 'limit', value: number }[]} bars
 */
export function barChart(title, bars) {
  const [left, full, step] = [260, 380, 24]
  const highest = Math.max(...bars.map(({ value }) => value))
  const parts = bars.map(({ name, kind, value }, index) => {
    const y = 34 + index * step
    const width = Math.max(1, (value / highest) * full)
    return (
      `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escaped(name)}</text>` +
      `<rect class="${kind}" x="${left}" y="${y}" width="${width.toFixed(1)}" height="16" rx="2"/>` +
      `<text class="soft" x="${(left + width + 6).toFixed(1)}" y="${y + 13}">${short(value)}</text>`
    )
  })
  return drawing(left + full + 60, 44 + bars.length * step, title, parts)
}

/**
 * Lines over logarithmic axes.
 * @param {string} title
 * @param {string} unit
 * @param {readonly { name: string, kind: 'ours' | 'peer', points: readonly (readonly [x: number, y: number])[] }[]} lines
 */
export function growthChart(title, unit, lines) {
  const [left, top, width, height] = [56, 36, 420, 220]
  const points = lines.flatMap((line) => line.points)
  const across = scale(
    points.map(([x]) => x),
    left,
    left + width,
  )
  const up = scale(
    points.map(([, y]) => y),
    top + height,
    top,
  )
  const grid = [
    ...across.decades.map(
      (x) => `<text class="soft" x="${across.at(x)}" y="${top + height + 18}" text-anchor="middle">${short(x)}</text>`,
    ),
    ...up.decades.map(
      (y) =>
        `<line class="grid" x1="${left}" x2="${left + width}" y1="${up.at(y)}" y2="${up.at(y)}"/><text class="soft" x="${left - 6}" y="${up.at(y) + 4}" text-anchor="end">${short(y)}</text>`,
    ),
    `<text class="soft" x="${left + width}" y="${top - 6}" text-anchor="end">${escaped(unit)}, by the number of sessions</text>`,
  ]
  const drawn = lines.map(({ name, kind, points: own }) => {
    const last = /** @type {readonly [number, number]} */ (own.at(-1))
    const path = own.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${across.at(x)} ${up.at(y)}`).join('')
    return `<path class="${kind} line" d="${path}"/><text x="${across.at(last[0]) + 6}" y="${up.at(last[1]) + 4}">${escaped(name)}</text>`
  })
  return drawing(left + width + 220, top + height + 30, title, [...grid, ...drawn])
}

/** A logarithmic axis from `from` to `to`. @param {readonly number[]} values @param {number} from @param {number} to */
function scale(values, from, to) {
  const low = Math.floor(Math.log10(Math.max(0.1, Math.min(...values))))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  const at = (/** @type {number} */ value) =>
    Math.round(from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from))
  return { at, decades: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)) }
}
