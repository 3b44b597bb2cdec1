import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const FOLDERS = ['web', 'module/runtime', 'server/contract', 'site-build']
const PACKAGES = ['package.json', 'package-lock.json'].map(name => join(ROOT, name))
const NO_SOURCES = ['.nuxt', '.output', 'node_modules']
const TESTS = /\.test\.ts$/

/** SHA-256 over everything that goes into a build: the site, what it shares with the server, the builder, packages. */
export function hashOfSources(): string {
  const files = FOLDERS.flatMap(folder =>
    globSync('**/*', {
      cwd: join(ROOT, folder),
      withFileTypes: true,
      exclude: entry => NO_SOURCES.includes(entry.name),
    }),
  )
    .filter(entry => entry.isFile() && !entry.name.startsWith('.') && !TESTS.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const file of [...files, ...PACKAGES].sort()) {
    const content = readFileSync(file)
    hash.update(`${relative(ROOT, file).split(sep).join('/')}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}
