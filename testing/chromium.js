// The browser of the demo's tests.
import { onPath } from './tools/command.js'

/** The path of Chromium: `CHROMIUM` if it is set, else from the PATH; undefined if there is none. */
export async function findChromium() {
  const { CHROMIUM: given } = process.env
  if (given) return given
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const path = await onPath(name)
    if (path !== undefined) return path
  }
  return undefined
}
