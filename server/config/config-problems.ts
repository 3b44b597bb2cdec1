/** One configuration error, in terms of what the operator wrote. */
export interface ConfigProblem {
  /** The setting as written: PORCHLIGHT_PORT, or `port in porchlight.config.ts`. */
  name: string
  /** The value as displayed; null where it does not matter, such as for an unknown name. */
  received: string | null
  expected: string
}

export function describeProblem({ name, received, expected }: ConfigProblem): string {
  return received === null ? `${name}: ${expected}.` : `${name}: got ${received}; expected ${expected}.`
}

const MAX_SHOWN = 100

/** A value as it may appear in a message. */
export function shownValue(value: unknown, secret: boolean): string {
  // A URL that contains a password is rejected, but the password must not end up in a log.
  const hidden =
    secret ||
    (typeof value === 'string' && ((value.includes('://') && value.includes('@')) || value.includes('-----BEGIN')))
  if (hidden) return typeof value === 'string' ? `${value.length} characters (not shown)` : 'a value (not shown)'
  const json = JSON.stringify(value) ?? String(value)
  if (/:\/\/[^/"]*@|-----BEGIN/.test(json)) return 'a value (not shown)'
  return json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN)}…` : json
}

/** The known name closest to an unknown one, or null if none is close enough to suggest. */
export function nearest(unknown: string, known: readonly string[]): string | null {
  const ranked = known
    .map(name => ({ name, distance: editDistance(unknown.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(2, Math.floor(unknown.length / 4)) ? best.name : null
}

/** The Levenshtein distance of two words. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const [left = 0, above = 0, corner = 0] = [next[j - 1], row[j], row[j - 1]]
      next.push(Math.min(left + 1, above + 1, corner + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}
