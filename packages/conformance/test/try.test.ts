import { MemoryBank } from '@connect-databank/memory'
import { DatabankStore } from 'connect-databank'
import { it } from 'vitest'
import { runHistories } from '../src/histories/run.ts'

for (const [calls, faults] of [
  ['ordered', []],
  ['as they come', []],
  ['ordered', ['before', 'after']],
  ['ordered', ['late']],
] as const)
  it(`${calls} ${faults}`, async () => {
    const t = performance.now()
    const late = (faults as readonly string[]).includes('late')
    const report = await runHistories({
      calls,
      faults,
      runs: late ? 200 : Number(process.env.RUNS ?? 10000),
      seed: Number(process.env.SEED ?? 1),
      limit: 2000,
      open: async (layer) => {
        const bank = layer(new MemoryBank())
        const make = () => new DatabankStore({ bank, timeout: late ? 30 : 5000 })
        const store = make()
        return { store, another: async () => make(), close: () => store.close() }
      },
    })
    console.log(calls, faults, performance.now() - t, report.histories)
    if (report.failure) {
      console.log(JSON.stringify(report.failure.plan, null, 1))
      console.log(report.failure.path)
      throw report.failure.error
    }
  }, 100000)
