import { TransientMap } from 'connect-databank'
import type { NodeRedisCluster, Words } from './client.ts'
import { slotOf } from './keys.ts'

/** How often (ms) the commands under way are looked at. */
const INTERVAL = 250
/** At its second look a command has waited too long: the client is nudged. */
const LOOKS = 2

/** One under way, and how often they had been looked at when it was sent. */
interface Command {
  readonly key: string
  readonly look: number
}

/**
 * Sends to a cluster, and sees to it that the client hears of a failover. By themselves clients ask for the new order of things
 * when a node sends them elsewhere; but a master that is dead or frozen sends nobody anywhere, and commands would wait for it
 * though its replica has taken over. (Without this, node-redis 5 waits for ever, node-redis 6 for 5 seconds if the master is
 * dead and for ever if it is frozen, ioredis some seconds.)
 */
export function withNudge(send: (words: Words, key: string) => Promise<unknown>, nudge: (key: string) => Promise<unknown>) {
  /** In the order in which they were sent: only the first, which has waited longest, is looked at. */
  const underWay = new TransientMap<Command, Command>()
  let looks = 0
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    looks += 1
    const [oldest] = underWay.values()
    if (oldest === undefined) {
      clearInterval(timer)
      timer = undefined
    } else if (looks - oldest.look >= LOOKS) nudge(oldest.key).catch(() => {})
  }
  return (words: Words, key: string): Promise<unknown> => {
    const mine = { key, look: looks }
    underWay.set(mine, mine)
    timer ??= setInterval(look, INTERVAL).unref()
    const end = () => void underWay.delete(mine)
    const sent = send(words, key)
    sent.then(end, end)
    return sent
  }
}

/** Asks a node for a key that, as far as we know, belongs to another: if we are wrong it says MOVED, and the client learns. */
export async function askAnother(cluster: NodeRedisCluster, key: string): Promise<void> {
  const silent = cluster.slots[slotOf(key)]?.master
  for (let attempt = 0; attempt < 1_000; attempt++) {
    // Of any other master, for the first best may be gone as well.
    const other = `{${Math.random()}}`
    const { master } = cluster.slots[slotOf(other)] ?? {}
    if (master === undefined || master === silent) continue
    await cluster.sendCommand(other, false, ['GET', key])
    return
  }
}
