/** JSON with the members of each object sorted by name: equal values have equal texts. A text that is not JSON is returned unchanged. */
export function canonicalJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), sortMembers)
  } catch {
    return text // Encrypted, or nested too deeply.
  }
}

function sortMembers(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([first], [second]) => (first < second ? -1 : 1)))
}
