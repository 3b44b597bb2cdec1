import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MINUTE } from '../base/clock.ts'

/** The list as its package ships it: one JSON array of lower-case ASCII strings, the most common first. */
const LIST = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json')
/** Passwords are rarely set, so the megabytes are soon released. */
const KEPT_MS = MINUTE

/** How common a password is: 1 for the most common. */
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

/** Characters parsed per turn of the event loop, so that other requests are handled in between. */
const SLICE = 32 * 1024
const BETWEEN = '","'

async function load(): Promise<Ranks> {
  const list = await readFile(LIST, 'latin1')
  const end = list.lastIndexOf(']')
  const ranks = new Map<string, number>()
  for (let start = list.indexOf('[') + 1; start < end;) {
    await nextTurn()
    const cut = list.indexOf(BETWEEN, start + SLICE)
    const stop = cut === -1 ? end : cut + 1
    for (const word of JSON.parse(`[${list.slice(start, stop)}]`) as string[]) ranks.set(word, ranks.size + 1)
    start = stop + 1
  }
  return ranks
}
