import { idConformance, recordConformance } from '@connect-databank/conformance'
import { MemoryBank } from '@connect-databank/memory'
import { describe, it } from 'vitest'

const open = async () => {
  const bank = new MemoryBank()
  return { bank, close: () => bank.close() }
}

idConformance({ describe, it }, { open })
recordConformance({ describe, it }, { open })
