// The browser for the tests, where there is one.
import { onPath } from './tools/command.js'

/** The path of Chromium, or undefined: `CHROMIUM` if it is set, else what the PATH has. */
export async function findChromium() {
  const { CHROMIUM: given } = process.env
  if (given) return given
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const path = await onPath(name)
    if (path !== undefined) return path
  }
  return undefined
}
