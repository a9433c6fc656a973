import type { Chronicle, Operation, Values } from './chronicle.ts'
import type { Violation } from './rules.ts'

/** What happened, a line an event, so that a person can follow it. */
export function transcript({ operations, remarks }: Chronicle, { words, operation: guilty }: Violation): string {
  const start = operations[0]?.beganAt ?? 0
  const lines: [tick: number, line: string][] = remarks.map(({ tick, call: { method, sid }, isAnswered }) => [
    tick,
    `       bank: ${method} ${sid} ${isAnswered ? 'is answered' : 'happens'}`,
  ])
  for (const operation of operations) {
    const mark = operation === guilty ? '>>' : '  '
    const subject = `${mark} ${actor(operation)} ${operation.kind} ${operation.sid}`
    lines.push([operation.begin, `${subject}${intention(operation, start)} …`])
    if (operation.end < Number.POSITIVE_INFINITY) lines.push([operation.end, `${subject}: ${outcome(operation, start)}`])
  }
  const ordered = lines.sort(([first], [second]) => first - second).map(([tick, line]) => `${String(tick).padStart(4)} ${line}`)
  return `${words}\n\n${ordered.join('\n')}\n`
}

function actor({ request, store }: Operation): string {
  return request === undefined ? `store ${store}:` : `store ${store}, request ${request}:`
}

function intention({ values, unsure, expires }: Operation, start: number): string {
  const data = values === undefined ? '' : ` ${said(values)}`
  const doubt = unsure === undefined || unsure.size === 0 ? '' : ` (perhaps not ${[...unsure].join(', ')})`
  return data + doubt + (expires === undefined ? '' : `, ${death(expires, start)}`)
}

function outcome({ kind, outcome, error, found }: Operation, start: number): string {
  if (outcome === 'failed') return `failed: ${String(error)}`
  if (kind !== 'get') return 'done'
  return found === null ? 'nothing' : `${said(found!.values)}, ${death(found!.expires ?? Number.NaN, start)}`
}

function said(values: Values): string {
  return `{${Object.entries(values)
    .map(([key, value]) => `${key}: ${value ?? 'none'}`)
    .join(', ')}}`
}

/** Times of a history's own, or they would differ from one replay to the next. */
function death(expires: number, start: number): string {
  return expires - start > 1_000_000 ? 'dies in an hour' : `dies at ${expires - start} ms`
}
