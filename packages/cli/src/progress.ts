import { Format, type Options, SingleBar } from 'cli-progress'
import type { MoveProgress } from './move/index.ts'
import type { Terminal } from './terminal.ts'
import { duration, fit, number, visible } from './text.ts'

/** The display of a move's progress. */
export interface Display {
  show(progress: MoveProgress): void
  stop(): void
}

/** A bar on a terminal. Elsewhere, a line when the application can be switched, and another when it was switched. */
export function displayOn(terminal: Terminal): Display {
  return terminal.stderr.isTTY ? barOn(terminal) : linesOn(terminal)
}

function barOn({ stderr }: Terminal): Display {
  let latest: MoveProgress | undefined
  const bar = new SingleBar({
    stream: stderr,
    format: (options) => (latest === undefined ? '' : progressLine(latest, (stderr.columns || 80) - 1, options)),
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    fps: 10,
  })
  bar.start(1, 0)
  return {
    show(progress) {
      latest = progress
      const { seen, total = Math.max(1, seen) } = progress
      bar.setTotal(Math.max(total, 1))
      bar.update(Math.min(seen, total))
    },
    stop: () => bar.stop(),
  }
}

function linesOn(terminal: Terminal): Display {
  const said = new Set<string>()
  return {
    show(progress) {
      const { phase, isEqual, isTargetUsed } = progress
      // With a busy source, both sides become equal and unequal repeatedly.
      const state = `${isEqual} ${isTargetUsed}`
      if (phase !== 'following' || said.has(state)) return
      said.add(state)
      terminal.say(followingLine(progress))
    },
    stop() {},
  }
}

/** The state of the target, which is one round late while the application writes on the source. Fits into 40 columns. */
function followingLine({ isEqual, isTargetUsed, changes }: MoveProgress): string {
  const state = isEqual ? 'equal' : `${number(changes)} behind`
  return `${state}, ${isTargetUsed ? 'in use by' : 'ready for'} the application`
}

const GAP = '  '
/** A shorter bar is of no use. */
const SHORTEST_BAR = 8
const LONGEST_BAR = 30

/** The line of a move in exactly so many columns. Parts that do not fit are left out, from the end. */
export function progressLine(progress: MoveProgress, columns: number, options: Options): string {
  const { phase, seen, total, rate, timeLeft, problem } = progress
  if (problem !== undefined) return fit(`${phase}: ${visible(problem)}`, columns)
  if (phase === 'following') return fit(followingLine(progress), columns)
  const speed = `${number(Math.round(rate))}/s`
  if (total === undefined || total === 0) return fit([phase, `${number(seen)} sessions`, speed].join(GAP), columns)
  const share = Math.min(1, seen / total)
  const parts = [phase, `${Math.floor(share * 100)}%`.padStart(4)]
  const details = [
    `${number(seen).padStart(number(total).length)} of ${number(total)}`,
    speed,
    ...(timeLeft === undefined ? [] : [`${duration(timeLeft)} left`]),
  ]
  // The time left matters most.
  for (const detail of details.reverse()) {
    if (widthOf([...parts, detail]) + SHORTEST_BAR + GAP.length <= columns) parts.splice(2, 0, detail)
  }
  const barsize = Math.min(LONGEST_BAR, columns - widthOf(parts) - GAP.length)
  if (barsize >= SHORTEST_BAR) parts.splice(1, 0, barOf(share, barsize, options))
  return fit(parts.join(GAP), columns)
}

function widthOf(parts: readonly string[]): number {
  return parts.join(GAP).length
}

function barOf(share: number, barsize: number, options: Options): string {
  return Format.BarFormat(share, { ...options, barsize })
}
