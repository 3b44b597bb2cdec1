import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { parseKeyFile } from './file.ts'

/** prlimit (util-linux) runs a program with a file size limit, which truncates a write in the middle. */
const limiter = spawnSync('prlimit', ['--version']).status === 0
if (!limiter)
  process.stderr.write(
    '\n!! short-write: there is no prlimit here, so a key file that is cut off in the middle of a write is NOT tried.\n\n',
  )

const folder = mkdtempSync(join(tmpdir(), 'porchlight-short-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.skipIf(!limiter)('a truncated write leaves the old key file intact and no other file next to it', async () => {
  const file = join(folder, 'keys.json')
  const LIMIT = 1500
  const script = `
    import { openKeys } from '${join(import.meta.dirname, 'keys.ts')}'
    import { readFileSync } from 'node:fs'
    const keys = openKeys({ file: '${file}' }, true, 1)
    let whole, code
    for (let at = 2; at < 100 && code === undefined; at++) {
      whole = readFileSync('${file}', 'utf8')
      try { keys.rotate(at) }
      catch (error) { code = error.code }
    }
    process.stdout.write(JSON.stringify({ whole, code, roots: keys.list().length }))`
  const { stdout } = await promisify(execFile)('prlimit', [
    `--fsize=${LIMIT}`,
    process.execPath,
    '--input-type=module',
    '--eval',
    script,
  ])
  const { whole, code, roots } = JSON.parse(stdout) as { whole: string; code: string; roots: number }
  expect(code).toBe('EFBIG')
  expect(roots).toBeGreaterThan(1)
  expect(readFileSync(file, 'utf8')).toBe(whole)
  expect(parseKeyFile(whole).roots).toHaveLength(roots)
  expect(readdirSync(folder)).toEqual(['keys.json'])
})
