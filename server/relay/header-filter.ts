/** Names come from both sides: what is remembered of them is bounded. */
const REMEMBERED_MAX = 500
const REMEMBERED_NAME_MAX = 64

interface Lists {
  names: Iterable<string>
  /** Each stands for every name that begins so. */
  prefixes: readonly string[]
  /** Pass although a prefix fits. */
  except?: readonly string[]
  /** Each stands for every name that begins so and is spelled otherwise than in the list: `Content_Length`. */
  misspelled?: readonly string[]
}

/**
 * Tells by a header's name whether it stays here. What a name means is remembered, instead of looked up for each
 * message.
 * @param canonical how a name as it came is written in the lists
 */
export function headerFilter(
  { names, prefixes, except = [], misspelled = [] }: Lists,
  canonical: (name: string) => string,
): (name: string) => boolean {
  const removed = new Set(names)
  const kept = new Set(except)
  const known = new Map<string, boolean>()
  return name => {
    const remembered = known.get(name)
    if (remembered !== undefined) return remembered
    const written = canonical(name)
    const begins = (prefix: string) => written.startsWith(prefix)
    const isRemoved =
      removed.has(written) ||
      (!kept.has(written) && prefixes.some(begins)) ||
      (written !== name.toLowerCase() && misspelled.some(begins))
    // Started over when it is full, so that names made up by somebody do not take the place of the usual ones for good.
    if (known.size >= REMEMBERED_MAX) known.clear()
    if (name.length <= REMEMBERED_NAME_MAX) known.set(name, isRemoved)
    return isRemoved
  }
}
