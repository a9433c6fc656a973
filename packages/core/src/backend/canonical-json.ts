/** JSON with the members of each object in the order of their names: the same for all texts of one value. Another text stays as it is. */
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
