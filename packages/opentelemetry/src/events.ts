import { channel } from 'node:diagnostics_channel'
import type { Counter, Meter } from '@opentelemetry/api'
import type { EventMessage } from 'connect-databank'
import { ATTRIBUTES } from './names.ts'
import { currentOperation } from './operations.ts'

type Event = EventMessage['event']

const CHANNEL = channel('connect-databank:event')

/** The counter of each event. */
const COUNTERS: Readonly<Record<Event, { name: string; unit: string; description: string }>> = {
  conflict: {
    name: 'session.store.conflicts',
    unit: '{conflict}',
    description: 'Writes that were merged with what another request had written',
  },
  dropped: {
    name: 'session.store.dropped_writes',
    unit: '{write}',
    description: 'Late writes that were not stored, because the session had ended',
  },
  timeout: { name: 'session.store.timeouts', unit: '{timeout}', description: 'Operations without an answer in time' },
  retry: {
    name: 'session.store.retries',
    unit: '{retry}',
    description: 'Compare-and-swaps that were tried again, because another write was faster',
  },
  corrupt: { name: 'session.store.corrupt_records', unit: '{record}', description: 'Records that were read and are no session' },
  cached: { name: 'session.store.cached_reads', unit: '{read}', description: 'Reads that were answered from memory' },
}

/** Counts events until the function that it returns is called. */
export function countEvents(meter: Meter): () => void {
  const counters = new Map<Event, Counter>()
  for (const [event, { name, unit, description }] of Object.entries(COUNTERS)) {
    counters.set(event as Event, meter.createCounter(name, { unit, description }))
  }
  const count = (message: unknown): void => {
    const { event, backend } = message as EventMessage
    // Another version of the store may have more events.
    counters.get(event)?.add(1, { [ATTRIBUTES.backend]: backend })
    markOperation(event)
  }
  CHANNEL.subscribe(count)
  return () => void CHANNEL.unsubscribe(count)
}

/** An operation's span shows these events as well. */
function markOperation(event: Event): void {
  const operation = event === 'retry' || event === 'cached' ? currentOperation() : undefined
  if (operation === undefined) return
  if (event === 'retry') operation.retries += 1
  else operation.isCached = true
}
