// How the page names the storage: the URL without what is secret in it.

/** @type {Record<string, string>} */
const names = {
  memory: 'memory',
  disk: 'files',
  sqlite: 'SQLite',
  redis: 'Redis',
  rediss: 'Redis',
  valkey: 'Valkey',
  valkeys: 'Valkey',
  postgres: 'PostgreSQL',
  postgresql: 'PostgreSQL',
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  mongodb: 'MongoDB',
  'mongodb+srv': 'MongoDB',
  couchbase: 'Couchbase',
  couchbases: 'Couchbase',
}

/**
 * The storage's name, and its URL without user, password and options (where secrets may stand as well).
 * @param {string} url
 */
export function describeStorage(url) {
  const [scheme = '', rest = ''] = split(url, ':')
  const [address = ''] = rest.split(/[?#]/)
  // A password may hold `/` and `@`, so everything up to the last `@` goes.
  const shown = address.startsWith('//') ? `//${address.slice(Math.max(address.lastIndexOf('@') + 1, 2))}` : address
  return { name: names[scheme] ?? scheme, address: `${scheme}:${shown}` }
}

/** @param {string} text @param {string} separator */
function split(text, separator) {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
