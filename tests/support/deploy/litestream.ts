import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../server.ts'

const MODULE = 'github.com/benbjohnson/litestream/cmd/litestream'
const VERSION = 'v0.5.18'
const CACHE = join(ROOT, 'node_modules', '.cache', 'litestream', VERSION)

/**
 * Whether Litestream can be built here: it needs Go that may fetch another version of itself.
 * @throws in CI, where it has to be
 */
export function canBuildLitestream(): boolean {
  const go = spawnSync('go', ['env', 'GOTOOLCHAIN'], { encoding: 'utf8' })
  if (go.status === 0 && go.stdout.trim() !== '') return true
  if (process.env['CI'] === 'true') throw new Error('Litestream cannot be tested: there is no Go 1.21 or newer.')
  process.stderr.write('\n\n!!! NOT TESTED: recovery with Litestream, because there is no Go 1.21 or newer\n\n')
  return false
}

/**
 * Builds it once: minutes, the first time.
 * @returns the path of the program
 */
export function litestream(): string {
  const program = join(CACHE, 'litestream')
  if (existsSync(program)) return program
  mkdirSync(CACHE, { recursive: true })
  execFileSync('go', ['install', `${MODULE}@${VERSION}`], {
    env: { ...process.env, GOBIN: CACHE, GOFLAGS: '-mod=mod' },
    stdio: 'pipe',
  })
  return program
}
