import { checkOptions, invalidOption, type OptionRules, rules } from 'connect-databank/backend'

export interface MemoryBankOptions {
  /** The most sessions that are kept. Default: no limit. */
  maxEntries?: number
  /**
   * The most bytes that are kept: those of each id, payload and owner as UTF-8. What the runtime needs to manage a session, some
   * 200 to 400 bytes, comes on top. Default: no limit.
   */
  maxBytes?: number
}

const RULES: OptionRules<MemoryBankOptions> = { maxEntries: rules.positiveInteger, maxBytes: rules.positiveInteger }

/** @throws DATABANK_INVALID_OPTION */
export function checkMemoryOptions(options: MemoryBankOptions): void {
  checkOptions('MemoryBank', RULES, options)
}

/**
 * The options in a URL such as `memory:?maxEntries=1000`.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function optionsOfUrl(url: string): Record<string, number> {
  const { protocol, host, pathname, searchParams } = new URL(url)
  if (protocol !== 'memory:' || host !== '' || pathname.replaceAll('/', '') !== '') {
    throw invalidOption('expected memory: with nothing but query parameters after it, such as memory:?maxEntries=1000')
  }
  return Object.fromEntries([...searchParams].map(([name, value]) => [name, value === '' ? Number.NaN : Number(value)]))
}
