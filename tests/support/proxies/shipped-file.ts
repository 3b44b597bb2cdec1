import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../server.ts'

/** `text` in a shipped file is replaced by `by`; it occurs so often, once unless said otherwise. */
export interface Replacement {
  text: string
  by: string
  times?: number
}

/**
 * A file of deploy/proxies as an operator would have edited it: nothing but what is named is changed, and what is named
 * must be there.
 * @throws if a text does not occur as often as it should
 */
export function shippedFile(name: string, replacements: readonly Replacement[]): string {
  let content = readFileSync(join(ROOT, 'deploy/proxies', name), 'utf8')
  for (const { text, by, times = 1 } of replacements) {
    const found = content.split(text).length - 1
    if (found !== times) throw new Error(`${name}: "${text}" occurs ${found} times, not ${times}`)
    content = content.replaceAll(text, by)
  }
  return content
}
