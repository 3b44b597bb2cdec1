import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, globSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

// `node packaging/stage-image.ts PACKAGE TARGET`: the files of the container image in one folder: the built package and
// the packages that it needs, in the versions of our own lock file.

const ROOT = join(import.meta.dirname, '..')
/** Read by people, debuggers and compilers. Licences stay. */
const NEEDLESS = '**/*.{map,md,markdown,d.ts,d.mts,d.cts}'
const LICENCE = /licen[cs]e|notice|copying/i

const [from = '', to = ''] = process.argv.slice(2)
if (from === '' || to === '') throw new Error('Usage: node packaging/stage-image.ts PACKAGE TARGET')
const target = resolve(to)

cpSync(from, target, { recursive: true })
cpSync(join(ROOT, 'package-lock.json'), join(target, 'package-lock.json'))
const production = ['--omit=dev', '--omit=peer', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
// Leaves in the lock file what this package.json needs, at the versions that were tested.
npm('install', '--package-lock-only', ...production)
npm('ci', ...production)
for (const path of globSync(NEEDLESS, { cwd: target })) if (!LICENCE.test(basename(path))) rmSync(join(target, path))
chmodSync(join(target, 'server', 'porchlight.mjs'), 0o755)

function npm(...args: string[]): void {
  execFileSync('npm', args, { cwd: target, stdio: 'inherit' })
}
