// Parts of results, as the questions return them.
import type { About } from '../measuring/workers.js'
import type { Answer, Row } from '../questions/operations.js'
import type { Part } from '../reporting/results-store.js'
import { stores as baselines, NOTHING } from '../stores/baselines.js'

export const REDIS = { name: 'Redis 7.0.15', isReal: true }
export const MOCK = { name: 'CouchbaseMock 1.5.27', isReal: false }

export function about(name: string, more: Partial<About> = {}): About {
  return { name, ours: false, limit: false, tuned: false, touchesLess: false, ...more }
}

export const OURS = about('@connect-databank/redis', { ours: true })
export const README = about('connect-redis on redis 6')
export const TUNED = about('connect-redis on redis 5', { tuned: true })
export const WITHOUT_TOUCH = about('databank-redis', { touchesLess: true })
export const BARE = about('redis 5, bare', { limit: true })
export const BASELINE = about(NOTHING, { limit: baselines.find(({ name }) => name === NOTHING)?.limit === true })

export function row(store: About, more: Partial<Row> = {}): Row {
  return { ...store, rate: 20_000, spread: 0.05, cpu: 40, toReadme: 1.5, toBest: 1.02, toLimit: 0.4, ...more }
}

export function cell(more: Partial<Answer> = {}): Answer {
  const peers = { readme: README.name, best: TUNED.name }
  return { operation: 'mix', concurrency: 16, bytes: 2_000, sessions: 4_000, rows: [row(OURS)], ...peers, ...more }
}

export function part(question: string, answer: unknown, more: Partial<Part> = {}): Part {
  return {
    backend: 'redis',
    question,
    quick: false,
    date: '2026-11-28',
    commit: 'abc1234',
    machine: '2 × CPU',
    node: 'v20.20.2',
    load: 0.1,
    minutes: 2,
    versions: { 'connect-redis': '9.0.0' },
    server: REDIS,
    missing: [],
    answer,
    ...more,
  }
}
