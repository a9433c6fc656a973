// Makes the page better where scripts run. Everything works without it.

/** @param {string} selector */
const find = (selector) => document.querySelector(selector)

// --- times: the browser's own, and remaining times that count down --------------------------------------------------

/** When each element's session ends, by this browser's clock. @type {WeakMap<Element, { left: string, ends: number }>} */
const ends = new WeakMap()

function showTimes() {
  for (const time of document.querySelectorAll('time[datetime]')) {
    if (time instanceof HTMLTimeElement) time.textContent = new Date(time.dateTime).toLocaleTimeString()
  }
  for (const element of document.querySelectorAll('[data-left]')) {
    if (element instanceof HTMLElement) countDown(element)
  }
}

/** @param {HTMLElement} element */
function countDown(element) {
  const left = element.dataset['left'] ?? ''
  let end = ends.get(element)
  if (end?.left !== left) {
    end = { left, ends: Date.now() + Number(left) }
    ends.set(element, end)
  }
  const remaining = Math.max(0, end.ends - Date.now())
  const seconds = Math.round(remaining / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const rest = `${String(minutes).padStart(hours > 0 ? 2 : 1, '0')}:${String(seconds % 60).padStart(2, '0')}`
  const label = element.querySelector('[role=timer]') ?? element
  label.textContent = hours > 0 ? `${hours}:${rest}` : rest
  const life = Number(element.dataset['life'])
  if (life > 0) element.style.setProperty('--share', String(remaining / life))
}

setInterval(showTimes, 1000)
showTimes()

/** The session was extended. @param {number} left milliseconds */
function setLeft(left) {
  const ring = find('#life')
  if (!(ring instanceof HTMLElement)) return
  ends.delete(ring)
  ring.dataset['left'] = String(left)
  countDown(ring)
}

// --- forms that exchange the page's content instead of loading it anew -----------------------------------------------

document.addEventListener('submit', (event) => {
  const form = event.target
  if (!(form instanceof HTMLFormElement)) return
  if (form.matches('#parallel form')) {
    event.preventDefault()
    void sendInParallel(form)
  } else if ('swap' in form.dataset) {
    event.preventDefault()
    void exchange(form, event.submitter)
  }
})

/** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
async function exchange(form, submitter) {
  const fields = new FormData(form, submitter)
  // @ts-expect-error a form without files is made of strings
  const response = await fetch(form.action, { method: 'POST', body: new URLSearchParams(fields) })
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  // This one stays: requests may be under way that will show there what became of them.
  const parallel = find('#parallel')
  if (parallel !== null) page.querySelector('#parallel')?.replaceWith(parallel)
  find('main')?.replaceWith(page.querySelector('main') ?? '')
  showTimes()
  const isNew = form.classList.contains('new')
  const next = find(isNew ? '.new [name=key]' : `[name=key][value="${CSS.escape(String(fields.get('key')))}"] + label input`)
  if (next instanceof HTMLElement) next.focus()
}

// --- many requests at once --------------------------------------------------------------------------------------------

/** @param {HTMLFormElement} form */
async function sendInParallel(form) {
  const button = form.querySelector('button')
  const result = find('#result')
  const tiles = [...document.querySelectorAll('.tiles li')]
  if (button === null || result === null) return
  button.disabled = true
  result.textContent = 'Under way …'
  const before = tiles.map((tile) => Number(tile.textContent))
  try {
    await Promise.all(
      tiles.map(async (tile, index) => {
        tile.className = 'sent'
        const { ok } = await fetch(`/parallel/${index + 1}`, { method: 'POST' })
        tile.className = ok ? 'answered' : 'lost'
      }),
    )
    const session = await (await fetch('/session')).json()
    let kept = 0
    for (const [index, tile] of tiles.entries()) {
      const count = Number(session[`request${String(index + 1).padStart(2, '0')}`] ?? 0)
      const isKept = count > (before[index] ?? 0)
      if (isKept) kept++
      tile.textContent = String(count)
      tile.className = isKept ? 'kept' : 'lost'
    }
    result.textContent = `${kept} of ${tiles.length} kept.`
    const comparison = await (await fetch('/comparison', { method: 'POST' })).json()
    const others = find('#others')
    if (others !== null) others.textContent = `express-session's MemoryStore kept ${comparison.kept} of ${tiles.length}.`
  } catch {
    result.textContent = 'The server does not answer.'
  } finally {
    button.disabled = false
  }
}

// --- news from the server ---------------------------------------------------------------------------------------------

if (find('#life')) {
  const events = new EventSource('/live')
  events.addEventListener('message', ({ data }) => {
    const { isAlive, left, merged, rows } = JSON.parse(data)
    if (!isAlive) location.replace('/') // ended from elsewhere, or its time was up
    const table = find('#sessions')
    if (table !== null && !table.contains(document.activeElement)) table.innerHTML = rows
    const output = find('#merged')
    if (output !== null) output.textContent = String(merged)
    if (left !== null) setLeft(left)
    showTimes()
  })
  // After its end, the stream is refused with a redirect to the page, which EventSource takes for the end.
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 1000)
  })
}
