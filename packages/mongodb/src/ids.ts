/** Begins an `_id` that stands for an id which BSON, whose strings are UTF-8, cannot hold as it is. */
const ESCAPE = 'utf16:'

/** Whether BSON holds this text exactly. Half a character has no bytes in UTF-8: the driver would make U+FFFD of any of them. */
export function isBsonText(text: string): boolean {
  return text.isWellFormed()
}

/** The `_id` of the document of this id: the id itself, wherever it can be. */
export function documentIdOf(id: string): string {
  if (isBsonText(id) && !id.startsWith(ESCAPE)) return id
  return ESCAPE + Buffer.from(id, 'utf16le').toString('base64url')
}

/** The id that has this `_id`; undefined for a document that no store made. */
export function idOf(documentId: unknown): string | undefined {
  if (typeof documentId !== 'string' || documentId === '') return undefined
  if (!documentId.startsWith(ESCAPE)) return documentId
  return Buffer.from(documentId.slice(ESCAPE.length), 'base64url').toString('utf16le')
}
