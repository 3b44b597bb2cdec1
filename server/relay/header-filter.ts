/** Both peers choose names, so the cache of names is bounded. */
const REMEMBERED_MAX = 500
const REMEMBERED_NAME_MAX = 64

interface Lists {
  names: Iterable<string>
  /** Match every name that starts with one of them. */
  prefixes: readonly string[]
  /** Exempt from the prefixes. */
  except?: readonly string[]
  /** Match names that start with one of them only once their separators are normalised, such as `Content_Length`. */
  misspelled?: readonly string[]
}

/**
 * Decides by a header's name whether it is removed. Decisions are cached per name rather than computed for each
 * message.
 * @param canonical normalises a received name to the lists' spelling
 */
export function headerFilter(
  { names, prefixes, except = [], misspelled = [] }: Lists,
  canonical: (name: string) => string,
): (name: string) => boolean {
  const removed = new Set(names)
  const exempt = new Set(except)
  const known = new Map<string, boolean>()
  return name => {
    const remembered = known.get(name)
    if (remembered !== undefined) return remembered
    const written = canonical(name)
    const begins = (prefix: string) => written.startsWith(prefix)
    const isRemoved =
      removed.has(written) ||
      (!exempt.has(written) && prefixes.some(begins)) ||
      (written !== name.toLowerCase() && misspelled.some(begins))
    // Cleared when full, so that made-up names cannot permanently displace the usual ones.
    if (known.size >= REMEMBERED_MAX) known.clear()
    if (name.length <= REMEMBERED_NAME_MAX) known.set(name, isRemoved)
    return isRemoved
  }
}
