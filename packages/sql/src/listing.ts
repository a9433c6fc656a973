import type { Stored } from 'connect-databank/backend'
import type { Result } from './dialect.ts'
import type { Records } from './records.ts'

/** How many characters of payload one page of entries aims at, and how many rows the first page has. */
const PAGE_LENGTH = 1_000_000
const FIRST_PAGE = 50

/** Some rows of a table in the order of their ids. */
export interface Page {
  readonly rows: Result['rows']
  readonly records: Records
}

/** Reads the rows whose ids are greater than `after`, at most `limit` of them. */
export type ReadPage = (after: string, limit: number) => Promise<Page>

/** All entries, page by page, so that memory is bounded: a page has fewer rows where sessions are large. */
export async function* pagesOfEntries(readPage: ReadPage, maxRows: number): AsyncGenerator<ReadonlyMap<string, Stored>> {
  let limit = Math.min(FIRST_PAGE, maxRows)
  for (let after: string | null = ''; after !== null; ) {
    const page = await readPage(after, limit)
    const entries = page.records.entriesOf(page.rows)
    yield entries
    after = nextAfter(page, limit)
    limit = nextLimit(entries, maxRows)
  }
}

/** All ids, page by page. */
export async function* pagesOfIds(readPage: ReadPage, maxRows: number): AsyncGenerator<readonly string[]> {
  for (let after: string | null = ''; after !== null; ) {
    const page = await readPage(after, maxRows)
    const ids = page.rows.map((row) => page.records.idOf(row)).filter((id) => id !== null)
    if (ids.length > 0) yield ids
    after = nextAfter(page, maxRows)
  }
}

/** The last id of a full page, or null after the last page. */
function nextAfter({ rows, records }: Page, limit: number): string | null {
  const last = rows.at(-1)
  return last === undefined || rows.length < limit ? null : records.idOf(last)
}

function nextLimit(entries: ReadonlyMap<string, Stored>, maxRows: number): number {
  let length = 1
  for (const { payload } of entries.values()) length += payload.length
  return Math.max(1, Math.min(maxRows, Math.round((entries.size * PAGE_LENGTH) / length)))
}
