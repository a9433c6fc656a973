// What the tests of `doctor` share.
import { openStore } from 'connect-databank'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DoctorOptions, doctor, type Finding } from '../src/doctor/index.ts'

export async function findingsOf(url: string, options: DoctorOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = []
  for await (const finding of doctor(url, options)) findings.push(finding)
  return findings
}

/** What is not ok, one line each. */
export function problemsIn(findings: readonly Finding[]): string[] {
  return findings.filter(({ level }) => level !== 'ok').map(({ level, subject, message }) => `${level} ${subject}: ${message}`)
}

/** The only finding of a subject that is not ok; undefined if there is none. */
export function problem(findings: readonly Finding[], subject: string): Finding | undefined {
  const found = findings.filter((finding) => finding.subject === subject && finding.level !== 'ok')
  if (found.length > 1) throw new Error(`several: ${problemsIn(found).join('; ')}`)
  return found[0]
}

/** A server that runs during the tests of a block. The function returns it, for use in a test. */
export function runningServer<Started extends { stop(): Promise<unknown> }>(
  start: () => Promise<Started>,
  prepare: (started: Started) => Promise<unknown> = async () => {},
): () => Started {
  let started: Started | undefined
  beforeAll(async () => {
    started = await start()
    await prepare(started)
  })
  afterAll(() => started?.stop())
  return () => started!
}

/** A store was used here, so its table and its session are there. */
export async function useStore(url: string, options: object = {}): Promise<void> {
  const store = await openStore<object>(url, options)
  const cookie = { path: '/', originalMaxAge: 3_600_000, expires: new Date(Date.now() + 3_600_000) }
  await store.set('a session', { cookie } as never)
  await store.close()
}

/** The same server as on another machine: the address of all interfaces leads to this machine, and does not say so. */
export function asRemote(url: string): string {
  return url.replace('127.0.0.1', '0.0.0.0')
}

interface Addresses {
  /** Without TLS. */
  readonly sound: () => string
  /** Of a user that the server refuses. */
  readonly refused: () => string
  /** What the warning of missing TLS advises. */
  readonly tls: RegExp
}

/** What `doctor` says of every server with users. */
export function testEveryServer({ sound, refused, tls }: Addresses): void {
  test('no TLS to another machine', async () => {
    expect(problem(await findingsOf(asRemote(sound())), 'TLS')).toMatchObject({ level: 'warn', fix: expect.stringMatching(tls) })
  })

  test('a user that the server refuses', async () => {
    expect(await findingsOf(refused())).toMatchObject([
      {
        level: 'fail',
        subject: 'connection',
        fix: 'correct user and password in the URL, or grant the rights that the README of the package lists',
      },
    ])
  })
}
