export { main } from './main.ts'
export { type MoveOptions, type MoveProgress, type MoveResult, move } from './move/index.ts'
export type { Surroundings } from './terminal.ts'
