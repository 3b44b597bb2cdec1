import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
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
  const forget = () => { loaded = null }
  setTimeout(forget, KEPT_MS).unref()
  loaded = readFile(LIST, 'latin1').then(text => new Map((JSON.parse(text) as string[]).map((word, n) => [word, n + 1])))
  loaded.catch(forget)
  return loaded
}
