// The conformance suites on banks that are made for one check each: every one has a prefix of its own.
import { bankConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { RedisBank, type RedisBankOptions } from '../src/index.ts'

let places = 0

/** Runs the suites; `options` says where, when a check begins. */
export function conformance(options: () => RedisBankOptions): void {
  bankConformance(
    { describe, it },
    {
      open: async () => {
        const prefix = `suite*${places++}:`
        const banks: RedisBank[] = []
        const open = () => {
          const bank = new RedisBank({ ...options(), prefix })
          banks.push(bank)
          return bank
        }
        return {
          bank: open(),
          another: async () => open(),
          close: async () => void (await Promise.all(banks.map((bank) => bank.close()))),
        }
      },
    },
  )
}
