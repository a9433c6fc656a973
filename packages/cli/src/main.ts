/** Runs one command. Resolves with the exit code. */
export async function main(_args: readonly string[]): Promise<number> {
  return 0
}
