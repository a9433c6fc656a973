// The clock of a store's process. In an application, the requests of one session are seconds apart. Here they follow each other within
// milliseconds, and a store that counts whole seconds would have nothing to write. So the clock is put forward.

const realNow = Date.now
let ahead = 0

/** @param {number} milliseconds */
export function putForward(milliseconds) {
  ahead += milliseconds
  Date.now = now
}

function now() {
  return realNow() + ahead
}
