import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../../testing/chromium.js'
import { scratchFolder } from '../../../testing/program.js'
import { startDemo } from './running.ts'

const executablePath = await findChromium()
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

describe.skipIf(executablePath === undefined)('the demo in Chromium', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>
  let demo: Awaited<ReturnType<typeof startDemo>>
  let browser: Browser
  const contexts: BrowserContext[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    folder = await scratchFolder()
    demo = await startDemo(folder.path)
    browser = await chromium.launch({ executablePath: executablePath ?? '', args })
  })

  afterAll(async () => {
    await browser?.close()
    await demo?.program.stop()
    await folder?.remove()
  })

  /** A browser of its own, with a page on which this name is logged in. */
  async function logIn(name: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options)
    contexts.push(context)
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(demo.address)
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { name }).waitFor()
    // The page is there before its styles and scripts are.
    await page.waitForLoadState()
    return page
  }

  const rowOf = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name })

  it('shows two browsers each other, and lets one end the other', async () => {
    const ada = await logIn('Ada')
    const grace = await logIn('Grace')
    await rowOf(ada, 'Grace').waitFor() // without a reload
    expect(await rowOf(ada, 'Ada').textContent()).toContain('you')
    await rowOf(ada, 'Grace').getByRole('button', { name: 'End this session' }).click()
    await grace.getByRole('heading', { name: 'Who are you?' }).waitFor() // without a reload
    await grace.getByRole('alert').filter({ hasText: 'ended from elsewhere' }).waitFor()
    await rowOf(ada, 'Grace').waitFor({ state: 'detached' })
    await ada.getByRole('button', { name: 'Log out' }).click()
    await ada.getByRole('heading', { name: 'Who are you?' }).waitFor()
  })

  it.each([320, 390, 820])('shows the whole page %i pixels wide, with a long name and the badge', async (width) => {
    const name = 'Maximiliana Featherstonehaugh-Cholmondel'
    const page = await logIn(name, { viewport: { width, height: 800 } })
    const hidden = await page.evaluate(
      '[document.documentElement, document.querySelector(".scroll")].map((element) => element.scrollWidth - element.clientWidth)',
    )
    expect(hidden).toEqual([0, 0])
    // One look: the table may be replaced between two.
    const [badge, cell] = (await page.evaluate(
      '[document.querySelector(".own .you"), document.querySelector(".own td")].map((element) => element.getBoundingClientRect().toJSON())',
    )) as { left: number; right: number; width: number }[]
    expect(badge!.width).toBeGreaterThan(20)
    expect(badge!.left).toBeGreaterThan(cell!.left)
    expect(badge!.right).toBeLessThanOrEqual(cell!.right)
    for (const tile of await page.locator('.tiles li').all()) expect((await tile.boundingBox())!.width).toBeGreaterThan(24)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  })

  it('counts the remaining time down, and a request starts it again', async () => {
    const page = await logIn('Ada')
    const timer = page.getByRole('timer')
    await expect.poll(() => timer.textContent(), { timeout: 5000 }).toMatch(/29:5[0-8]/)
    // Looked for from now on: it is there for a second, which may be over when the rest is seen.
    const fullAgain = timer.filter({ hasText: /30:00|29:59/ }).waitFor({ timeout: 10_000 })
    await page.getByPlaceholder('new key').fill('colour')
    await page.getByPlaceholder('value').fill('green')
    await page.getByRole('button', { name: 'Add' }).click()
    await expect.poll(() => page.getByLabel('colour', { exact: true }).inputValue()).toBe('green')
    await fullAgain
  })

  it('changes values without loading the page', async () => {
    const page = await logIn('Ada')
    await page.evaluate('window.isSamePage = true')
    await page.getByPlaceholder('new key').fill('colour')
    await page.getByPlaceholder('value').fill('<green>')
    await page.getByRole('button', { name: 'Add' }).click()
    await page.getByLabel('colour', { exact: true }).fill('red')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(async () => (await session(page))['colour']).toBe('red')
    await page.getByRole('button', { name: 'Remove colour' }).click()
    await page.getByLabel('colour', { exact: true }).waitFor({ state: 'detached' })
    expect(await session(page)).not.toHaveProperty('colour')
    expect(await page.evaluate('window.isSamePage')).toBe(true)
  })

  it.each([true, false])('keeps all of 20 parallel requests (scripts: %s)', async (javaScriptEnabled) => {
    const page = await logIn('Ada', { javaScriptEnabled })
    await page.getByRole('button', { name: 'Send 20 requests' }).click()
    await expect.poll(() => page.getByRole('status').textContent(), { timeout: 15_000 }).toContain('20 of 20 kept.')
    expect(await page.locator('.tiles li').allTextContents()).toEqual(Array(20).fill('1'))
    await expect.poll(() => page.locator('#others').textContent(), { timeout: 15_000 }).toMatch(/MemoryStore kept 1?\d of 20/)
  })

  it('shows what became of parallel requests while values change', async () => {
    const page = await logIn('Ada')
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await page.route('**/parallel/*', async (route) => {
      await held
      await route.continue()
    })
    await page.getByRole('button', { name: 'Send 20 requests' }).click()
    await page.getByPlaceholder('new key').fill('colour')
    await page.getByPlaceholder('value').fill('green')
    await page.getByRole('button', { name: 'Add' }).click()
    await page.getByLabel('colour', { exact: true }).waitFor()
    release()
    await expect.poll(() => page.getByRole('status').textContent(), { timeout: 15_000 }).toContain('20 of 20 kept.')
  })

  it('complains of nothing in its console', () => {
    expect(complaints).toEqual([])
  })

  it('stays logged in over kill -9', async () => {
    const page = await logIn('Ada')
    await demo.program.restart()
    await page.reload()
    await page.getByRole('heading', { name: 'Ada' }).waitFor()
  })

  async function session(page: Page): Promise<Record<string, unknown>> {
    return (await page.request.get(`${demo.address}/session`)).json()
  }
})
