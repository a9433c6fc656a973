// The examples of the READMEs.
import { readFile } from 'node:fs/promises'

/** The first example in JavaScript, as printed; undefined if there is none. */
export async function firstExample(file: string): Promise<string | undefined> {
  return /^```js\n(.*?)^```$/ms.exec(await readFile(file, 'utf8'))?.[1]
}
