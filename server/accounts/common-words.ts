import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MINUTE } from '../base/clock.ts'

/** The list as its package ships it: one JSON array of lower-case ASCII strings, the commonest first. */
const LIST = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json')
/** Few set a password; the megabytes are not kept for them. */
const KEPT_MS = MINUTE

/** How common a password is: 1 for the commonest. */
export type Ranks = ReadonlyMap<string, number>

let loaded: Promise<Ranks> | null = null

export function commonWords(): Promise<Ranks> {
  if (loaded !== null) return loaded
  const forget = () => {
    loaded = null
  }
  setTimeout(forget, KEPT_MS).unref()
  loaded = load()
  loaded.catch(forget)
  return loaded
}

/** A slice in a turn of the loop: others are answered in between. */
const SLICE = 5000

async function load(): Promise<Ranks> {
  const words = JSON.parse(await readFile(LIST, 'latin1')) as string[]
  const ranks = new Map<string, number>()
  for (let start = 0; start < words.length; start += SLICE) {
    await nextTurn()
    for (const [n, word] of words.slice(start, start + SLICE).entries()) ranks.set(word, start + n + 1)
  }
  return ranks
}
