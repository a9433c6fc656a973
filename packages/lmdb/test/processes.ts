import { type ChildProcess, type ForkOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../../scripts/bundle.js'
import type { LmdbBankOptions } from '../src/bank.ts'
import type { Order } from './process.ts'

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** The program that `startProcess` runs. */
export function bundleProcess() {
  return bundle({ process: pathOf('./process.ts'), writer: pathOf('../src/writer.js') })
}

export interface BankProcess {
  readonly child: ChildProcess
  /** Sends the order and answers with its answer; rejects with its failure, `code` and all. */
  order(order: Order): Promise<unknown>
  kill(): Promise<void>
}

/** A process that has a bank of its own on this place. `shell`: words of a shell that come before it. */
export async function startProcess(
  folder: string,
  options: LmdbBankOptions,
  { shell, ...spawnOptions }: ForkOptions & { shell?: string } = {},
): Promise<BankProcess> {
  const command = [process.execPath, join(folder, 'process.js'), JSON.stringify(options)]
  const words = shell === undefined ? command : ['/bin/bash', '-c', `${shell}; exec "$@"`, 'bash', ...command]
  const child = spawn(words[0] as string, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], ...spawnOptions })
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>()
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
  })
  child.on('message', (message: 'ready' | { number: number; answer?: unknown; failure?: object }) => {
    if (message === 'ready') return
    const { resolve, reject } = waiting.get(message.number) ?? {}
    waiting.delete(message.number)
    if (message.failure === undefined) resolve?.(message.answer)
    else reject?.(Object.assign(new Error('the bank failed'), message.failure))
  })
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`the process has ended: ${said}`))
  })
  await once(child, 'message')
  let count = 0
  return {
    child,
    order: (order) =>
      new Promise((resolve, reject) => {
        const number = count++
        waiting.set(number, { resolve, reject })
        child.send({ order, number })
      }),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
