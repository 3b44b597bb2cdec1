import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './server.ts'

/**
 * The files that a guide shows whole, by name: fenced blocks whose first line is a comment with the file's name.
 * @param path of the guide, from the root of the project
 */
export function filesShownIn(path: string): Map<string, string> {
  return new Map(blocksShownIn(path).map(({ name, text }) => [name, text]))
}

/**
 * The same in order, with every block of a file that is shown in parts; `# settings.py, at the end` is one of
 * settings.py.
 */
export function blocksShownIn(path: string): { name: string; text: string }[] {
  const page = readFileSync(join(ROOT, path), 'utf8')
  const shown = page.matchAll(/^```\w+\n(?:\/\/|#|<!--) ([\w./-]+\.\w+)(?:, at the end)?(?: -->)?\n([\s\S]*?)^```$/gm)
  return [...shown].map(([, name = '', text = '']) => ({ name, text }))
}
