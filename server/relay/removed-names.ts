/** Names come from both sides: what is remembered of them is bounded. */
const REMEMBERED_MAX = 500

/** Tells by a header's name whether it stays here. What a name means is remembered, instead of looked up for each message.
 * @param plain how a name as it came is written in the lists */
export function removedNames(names: ReadonlySet<string>, prefixes: readonly string[], plain: (name: string) => string): (name: string) => boolean {
  const known = new Map<string, boolean>()
  return (name) => {
    const remembered = known.get(name)
    if (remembered !== undefined) return remembered
    const written = plain(name)
    const removed = names.has(written) || prefixes.some(prefix => written.startsWith(prefix))
    if (known.size < REMEMBERED_MAX) known.set(name, removed)
    return removed
  }
}
