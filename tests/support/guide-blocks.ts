import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './server.ts'

/**
 * The files that a guide shows whole, by name: fenced blocks whose first line is a comment with the file's name.
 * @param path of the guide, from the root of the project
 */
export function filesShownIn(path: string): Map<string, string> {
  const page = readFileSync(join(ROOT, path), 'utf8')
  const shown = [...page.matchAll(/^```\w+\n(?:\/\/|#|<!--) (\w+\.\w+)(?: -->)?\n([\s\S]*?)^```$/gm)]
  return new Map(shown.map(match => [match[1] ?? '', match[2] ?? '']))
}
