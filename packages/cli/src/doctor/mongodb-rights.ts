import { type Finding, fail, ok, warn } from './finding.ts'

/** The location of the sessions. */
export interface Place {
  readonly database: string
  readonly collection: string
}

interface Role {
  readonly role: string
  readonly db: string
}

interface Privilege {
  readonly resource: { readonly db?: string; readonly collection?: string; readonly anyResource?: boolean }
  readonly actions: readonly string[]
}

/** The part of the reply of `connectionStatus` about the user. */
export interface AuthInfo {
  readonly authenticatedUsers?: readonly { readonly user: string }[]
  readonly authenticatedUserRoles?: readonly Role[]
  readonly authenticatedUserPrivileges?: readonly Privilege[]
}

const ACTIONS = ['find', 'insert', 'update', 'remove'] as const
const INDEX_ACTION = 'createIndex'
/** Roles that may do more than use one database. */
const WIDE_ROLES = [
  'root',
  '__system',
  'dbOwner',
  'userAdmin',
  'dbAdminAnyDatabase',
  'readWriteAnyDatabase',
  'userAdminAnyDatabase',
  'clusterAdmin',
]
const WRITING_ROLES = ['readWrite', 'dbOwner']
const WRITING_EVERYWHERE = ['root', 'readWriteAnyDatabase', '__system']

/** The findings about the user and its rights. */
export function* userFindings(info: AuthInfo, place: Place, isLocal: boolean): Generator<Finding> {
  const {
    authenticatedUsers: users = [],
    authenticatedUserRoles: roles = [],
    authenticatedUserPrivileges: privileges = [],
  } = info
  const [user] = users
  if (user === undefined) {
    if (isLocal) yield ok('user', 'none: the server is on this machine')
    else yield warn('user', 'none: everybody who reaches the server may read and end sessions', 'mongod --auth')
    return
  }
  yield userFinding(user.user, roles, place)
  const fix = `db.grantRolesToUser('${user.user}', [{ role: 'readWrite', db: '${place.database}' }])`
  // Not every server reports the privileges.
  yield privileges.length === 0 ? findingOfRoles(roles, place, fix) : findingOfPrivileges(privileges, place, fix)
}

function userFinding(name: string, roles: readonly Role[], { database }: Place): Finding {
  const wide = roles.filter(({ role }) => WIDE_ROLES.includes(role)).map(({ role }) => role)
  if (wide.length > 0) {
    const fix = `db.updateUser('${name}', { roles: [{ role: 'readWrite', db: '${database}' }] })`
    return warn('user', `${name} may do more than a session store needs: ${wide.join(', ')}`, fix)
  }
  const held = roles.map(({ role, db }) => `${role} on ${db}`).join(', ')
  return ok('user', `${name} has the roles ${held || 'none'}`)
}

function findingOfPrivileges(privileges: readonly Privilege[], { database, collection }: Place, fix: string): Finding {
  const applies = ({ resource: { db, collection: name, anyResource } }: Privilege): boolean =>
    anyResource === true || ((db === '' || db === database) && (name === '' || name === collection))
  const held = new Set(privileges.filter(applies).flatMap(({ actions }) => actions))
  const has = (action: string): boolean => held.has(action) || held.has('anyAction')
  const missing = ACTIONS.filter((action) => !has(action))
  const where = `${database}.${collection}`
  if (missing.length > 0) return fail('rights', `missing on ${where}: ${missing.join(', ')}`, fix)
  if (has(INDEX_ACTION)) return ok('rights', `all that the store needs on ${where}`)
  return warn('rights', `${INDEX_ACTION} is missing on ${where}: the store cannot make its indexes`, fix)
}

function findingOfRoles(roles: readonly Role[], { database }: Place, fix: string): Finding {
  const writes = ({ role, db }: Role): boolean =>
    WRITING_EVERYWHERE.includes(role) || (WRITING_ROLES.includes(role) && db === database)
  if (roles.some(writes)) return ok('rights', `all that the store needs on ${database}`)
  const reads = roles.some(({ role }) => role.startsWith('read'))
  return fail('rights', `no role writes to ${database}${reads ? ', only reads' : ''}`, fix)
}
