import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const CACHE = join(ROOT, 'node_modules', '.cache', 'python')
/** What the examples need at least. */
const LEAST = '3.11'

/**
 * The machine's Python, or null where there is none that will do. In CI there has to be one.
 * @throws in CI, when there is none
 */
export function findPython(): string | null {
  const problem = problemWith('python3')
  if (problem === null) return 'python3'
  if (process.env['CI'] === 'true') throw new Error(`The examples in Python cannot be tested: ${problem}.`)
  process.stderr.write(
    `\n\n!!! NOT TESTED: the examples in Python, because ${problem}. On Debian: apt-get install python3-venv\n\n`,
  )
  return null
}

function problemWith(python: string): string | null {
  try {
    const version = execFileSync(python, ['-c', 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim()
    const [major = 0, minor = 0] = version.split('.').map(Number)
    const [leastMajor = 0, leastMinor = 0] = LEAST.split('.').map(Number)
    return major > leastMajor || (major === leastMajor && minor >= leastMinor)
      ? null
      : `${python} is ${version}, and ${LEAST} is needed`
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
      ? `there is no ${python}`
      : `${python} lacks venv or ensurepip`
  }
}

/**
 * A virtual environment with these requirements, made once and kept as long as they stay the same. Slow the first time:
 * packages are downloaded.
 * @returns the path of its python
 */
export function environmentFor(python: string, requirements: string): string {
  const version = execFileSync(python, ['-c', 'import sys; print(sys.version, sys.prefix)'])
  const key = createHash('sha256').update(version).update(readFileSync(requirements)).digest('hex').slice(0, 16)
  const finished = join(CACHE, key)
  if (!existsSync(finished)) {
    mkdirSync(CACHE, { recursive: true })
    // Built beside its place, so that a broken-off installation is never taken for a whole one. Moving one is fine as
    // long as it is entered by its python: only the scripts in bin/ remember where they were made.
    const building = mkdtempSync(join(CACHE, 'new-'))
    try {
      execFileSync(python, ['-m', 'venv', building], { stdio: 'pipe' })
      execFileSync(
        join(building, 'bin', 'python'),
        ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements],
        { stdio: 'pipe' },
      )
      renameSync(building, finished)
    } catch (error) {
      // Somebody else may have finished the same one meanwhile.
      if (!existsSync(finished)) throw error
    } finally {
      rmSync(building, { recursive: true, force: true })
    }
  }
  return join(finished, 'bin', 'python')
}
