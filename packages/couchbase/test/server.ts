// Where the tests' sessions go: a server of their own, and the real cluster of COUCHBASE_URL if there is one.
import { server } from '../../../testing/servers/index.js'

const found = server('couchbase') as { url?: string; missing?: string }

/** What a test that needs the server is skipped for. */
export const missing = found.missing
export const realCluster = found.url

/** What CouchbaseMock does not have; a real cluster has it. */
export const notInTheMock = 'CouchbaseMock has neither range scan nor query service: set COUCHBASE_URL to a real cluster'
