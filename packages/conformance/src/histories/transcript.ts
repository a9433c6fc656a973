import type { History, Operation, Values } from './history.ts'
import type { Violation } from './rules.ts'

/** What happened, one line an event, so that a person can follow it. */
export function transcript({ operations, notes }: History, { words, operation: guilty }: Violation): string {
  const start = operations[0]?.beganAt ?? 0
  const lines: [tick: number, line: string][] = notes.map(({ tick, call: { method, sid }, isReturned }) => [
    tick,
    `       bank: ${method} ${sid} ${isReturned ? 'returns' : 'happens'}`,
  ])
  for (const operation of operations) {
    const mark = operation === guilty ? '>>' : '  '
    const subject = `${mark} ${callerOf(operation)} ${operation.kind} ${operation.owner ?? operation.sid}`
    lines.push([operation.begin, `${subject}${intentionOf(operation, start)} …`])
    if (operation.end < Number.POSITIVE_INFINITY) lines.push([operation.end, `${subject}: ${resultOf(operation, start)}`])
  }
  const ordered = lines.sort(([first], [second]) => first - second).map(([tick, line]) => `${String(tick).padStart(4)} ${line}`)
  return `${words}\n\n${ordered.join('\n')}\n`
}

function callerOf({ request, store }: Operation): string {
  return request === undefined ? `store ${store}:` : `store ${store}, request ${request}:`
}

function intentionOf({ values, unsure, expires, except }: Operation, start: number): string {
  const data = values === undefined ? '' : ` ${textOf(values)}`
  const doubt = unsure === undefined || unsure.size === 0 ? '' : ` (perhaps not ${[...unsure].join(', ')})`
  const kept = except === undefined ? '' : ` except ${except}`
  return data + doubt + kept + (expires === undefined ? '' : `, ${expiryText(expires, start)}`)
}

function resultOf({ kind, outcome, error, found, listed }: Operation, start: number): string {
  if (outcome === 'failed') return `failed: ${String(error)}`
  if (kind === 'list sessions') return [...listed!.keys()].sort().join(', ') || 'none'
  if (kind !== 'get') return 'done'
  return found === null ? 'missing' : `${textOf(found!.values)}, ${expiryText(found!.expires ?? Number.NaN, start)}`
}

function textOf(values: Values): string {
  return `{${Object.entries(values)
    .map(([field, value]) => `${field}: ${value ?? 'none'}`)
    .join(', ')}}`
}

/** Relative to the beginning of the history, or it would differ from one replay to the next. */
function expiryText(expires: number, start: number): string {
  return expires - start > 1_000_000 ? 'expires in an hour or more' : `expires at ${expires - start} ms`
}
