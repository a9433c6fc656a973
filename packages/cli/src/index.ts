export { type DoctorOptions, doctor, type Finding } from './doctor/index.ts'
export { main } from './main.ts'
export { type HashIds, idMapping, type MoveOptions, type MoveProgress, type MoveResult, move } from './move/index.ts'
export type { Surroundings } from './terminal.ts'
