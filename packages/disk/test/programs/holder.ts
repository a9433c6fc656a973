// A worker that takes the lock of a session, says so, and never gives it back: workerData is `{ path, id }`.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { Layout } from '../../src/layout.ts'
import { takeLock } from '../../src/locks.ts'

const { path, id } = workerData as { path: string; id: string }
const lock = `${new Layout(path).pathOf(id)}.lock`
mkdirSync(dirname(lock), { recursive: true })
const taken = takeLock(lock, () => false)
parentPort?.postMessage(taken === null ? 'not taken' : 'taken')
// As work under a lock: it does not return to the event loop.
for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
