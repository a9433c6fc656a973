// The one page: a form to log in or, after that, the session.
import { html } from './html.js'
import { countersOf, parallelRequests, valuesOf } from './sessions.js'

/**
 * @typedef {{ name: string, address: string }} Storage
 * @typedef {import('./sessions.js').Listed} Listed
 * @typedef {{ kept: number, merged: number, others: number }} Result of the parallel requests
 */

/**
 * @param {{ storage: Storage, title: string, body: import('./html.js').Piece, problem?: string | undefined }} what
 */
function layout({ storage, title, body, problem }) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/demo.css">
<script type="module" src="/demo.js"></script>
</head>
<body>
<header>
<a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28">connect-databank</a>
<p class="storage">Sessions in <b>${storage.name}</b> <code>${storage.address}</code></p>
</header>
<main>
${problem && html`<p class="problem" role="alert">${problem}</p>`}
${body}
</main>
<footer>Stop the server, even with <code>kill -9</code>, and start it again: you stay logged in, unless the sessions are in memory.
<a href="/metrics">Metrics of the store</a></footer>
</body>
</html>
`.toString()
}

/** @param {{ storage: Storage, problem?: string | undefined }} what */
export function loginPage({ storage, problem }) {
  return layout({
    storage,
    title: 'Log in · connect-databank',
    problem,
    body: html`<section class="card login">
<h1>Who are you?</h1>
<p>Any name will do. Log in from a second browser as well: each sees the other's session, and can end it.</p>
<form method="post" action="/login" class="row">
<input name="name" aria-label="Name" placeholder="Name" required maxlength="40" autocomplete="username" autofocus>
<button class="primary">Log in</button>
</form>
</section>`,
  })
}

/** @param {{ storage: Storage, message: string }} what */
export function failurePage({ storage, message }) {
  return layout({
    storage,
    title: 'Failed · connect-databank',
    problem: message,
    body: html`<p><a href="/">Try again</a></p>`,
  })
}

/**
 * @param {{
 *   storage: Storage, session: Record<string, unknown>, handle: string, sessions: readonly Listed[] | undefined, maxAge: number,
 *   absoluteTimeout: number, merged: number, result?: Result | undefined, problem?: string | undefined,
 * }} what times in milliseconds
 */
export function sessionPage({ storage, session, handle, sessions, maxAge, absoluteTimeout, merged, result, problem }) {
  return layout({
    storage,
    title: `${String(session['name'])} · connect-databank`,
    problem,
    body: html`<div class="columns">
${ownSession(session, maxAge, absoluteTimeout)}
${parallel(session, merged, result)}
</div>
<section class="card">
<h2>Live sessions</h2>
<p>Everybody who is logged in, as the store lists them. A session that you end is gone with its user's next request.</p>
<div class="scroll"><table>
<thead><tr><th>Name</th><th class="minor">Session</th><th class="minor">Logged in</th><th>Expires in</th><th class="number minor">Keys</th><th></th></tr></thead>
<tbody id="sessions">${sessionRows(sessions, handle)}</tbody>
</table></div>
${sessions !== undefined && html`<form method="post" action="/sessions/end-others" class="below"><button>End my other sessions</button></form>`}
</section>`,
  })
}

/** @param {Record<string, unknown>} session @param {number} maxAge @param {number} absoluteTimeout */
function ownSession(session, maxAge, absoluteTimeout) {
  const latest = new Date(String(session['since'])).getTime() + absoluteTimeout - Date.now()
  return html`<section class="card">
<div class="who">
<div class="ring" id="life" data-life="${maxAge}" data-left="${Math.min(maxAge, latest)}"><span role="timer" aria-label="Time until inactivity ends the session">${clock(Math.min(maxAge, latest))}</span></div>
<div>
<h1>${String(session['name'])}</h1>
<p>Logged in at ${timeOfDay(String(session['since']))}. Each request starts the inactivity time-out again. Whatever you do, the session ends in <span data-left="${latest}">${clock(latest)}</span>.</p>
<form method="post" action="/logout"><button>Log out</button></form>
</div>
</div>
<h2>In your session</h2>
<div class="values">
${valuesOf(session).map(([key, value]) => valueForm(key, value))}
<form method="post" action="/values" class="row new" data-swap>
<input name="key" aria-label="New key" placeholder="new key" required maxlength="40" pattern="[\\p{L}\\p{N}][\\p{L}\\p{N} ._\\-]*" title="letters, digits, spaces, . _ and -">
<input name="value" aria-label="New value" placeholder="value" required maxlength="200">
<button>Add</button>
</form>
</div>
<p><a href="/session">The whole session as JSON</a></p>
</section>`
}

/** @param {string} key @param {string} value */
function valueForm(key, value) {
  return html`<form method="post" action="/values" class="row" data-swap>
<input type="hidden" name="key" value="${key}">
<label><span>${key}</span><input name="value" value="${value}" required maxlength="200"></label>
<button>Save</button>
<button name="remove" value="yes" formnovalidate aria-label="Remove ${key}" title="Remove">×</button>
</form>`
}

/** @param {Record<string, unknown>} session @param {number} merged @param {Result} [result] */
function parallel(session, merged, result) {
  const said = result && `${result.kept} of ${parallelRequests} kept. ${result.merged} saves met another one and were merged.`
  const others = result && `express-session's MemoryStore kept ${result.others} of ${parallelRequests}.`
  return html`<section class="card" id="parallel">
<h2>${parallelRequests} requests at once</h2>
<p>Each loads the session, waits a moment, and adds one to a counter of its own. With most stores the last request wins, and the changes of
the others are lost. The same requests are sent to express-session's own MemoryStore for comparison.</p>
<ol class="tiles">${countersOf(session).map((count) => html`<li>${count}</li>`)}</ol>
<form method="post" action="/parallel"><button class="primary">Send ${parallelRequests} requests</button></form>
<p role="status" id="result">${said}</p>
<p id="others" class="quiet">${others}</p>
<p class="quiet">Saves merged since the server's start: <b id="merged">${merged}</b></p>
</section>`
}

/**
 * The rows of the table.
 * @param {readonly Listed[] | undefined} sessions
 * @param {string} own handle of the reader's session
 */
export function sessionRows(sessions, own) {
  if (sessions === undefined) return html`<tr><td colspan="6">This storage can't list its sessions.</td></tr>`
  const now = Date.now()
  return sessions.map(
    ({ handle, name, since, expires, fields }) => html`<tr${handle === own && html` class="own"`}>
<td><span class="named"><span class="name">${name}</span>${handle === own && html`<span class="you">you</span>`}</span></td>
<td class="minor"><code>${handle.slice(0, 8)}</code></td>
<td class="minor">${timeOfDay(since)}</td>
<td>${expires === null ? 'never' : html`<span data-left="${expires - now}">${clock(expires - now)}</span>`}</td>
<td class="number minor">${fields}</td>
<td><form method="post" action="/sessions/end"><input type="hidden" name="session" value="${handle}"><button aria-label="End this session">End<span class="minor"> this session</span></button></form></td>
</tr>
`,
  )
}

/** @param {number} milliseconds */
function clock(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const rest = `${String(minutes).padStart(hours > 0 ? 2 : 1, '0')}:${String(seconds % 60).padStart(2, '0')}`
  return hours > 0 ? `${hours}:${rest}` : rest
}

/** The server's time of day; the browser, where it runs scripts, puts in its own. @param {string} time ISO */
function timeOfDay(time) {
  return html`<time datetime="${time}">${time.slice(11, 16)} UTC</time>`
}
