import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'

const SECRET = 'a-secret-that-only-tests-know'
const ON = { PORCHLIGHT_TEST_SIGN_IN: SECRET, NODE_ENV: 'test' }

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'porchlight-config-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

async function refusals(env: Record<string, string | undefined>): Promise<string[]> {
  const error: unknown = await loadConfig(env, cwd).catch((error: unknown) => error)
  if (!(error instanceof OperatorError)) throw error instanceof Error ? error : new Error('nothing was refused')
  return error.advice.map(line => line.trim())
}

describe('PORCHLIGHT_TEST_SIGN_IN', () => {
  test('is off by default', async () => {
    expect((await loadConfig({}, cwd)).config.testSignIn).toBeNull()
  })

  test.each(['test', 'development'])('is read where NODE_ENV is %s, and never shown', async NODE_ENV => {
    const { config, report } = await loadConfig({ ...ON, NODE_ENV }, cwd)
    expect(config.testSignIn?.reveal()).toBe(SECRET)
    expect(JSON.stringify([config, report])).not.toContain(SECRET)
  })

  test('may be read from a file', async () => {
    writeFileSync(join(cwd, 'secret'), `${SECRET}\n`)
    const { config } = await loadConfig({ PORCHLIGHT_TEST_SIGN_IN_FILE: 'secret', NODE_ENV: 'test' }, cwd)
    expect(config.testSignIn?.reveal()).toBe(SECRET)
  })

  test.each([undefined, 'production', 'Test', 'staging', ''])('is refused where NODE_ENV is %s', async NODE_ENV => {
    expect(await refusals({ ...ON, NODE_ENV })).toEqual([
      `PORCHLIGHT_TEST_SIGN_IN: never in production: set NODE_ENV=test beside it if these are tests (it is ${NODE_ENV || 'not set'}).`,
    ])
  })

  test.each(['https://porch.example', 'http://192.168.0.7:3000', 'http://127.0.0.1.nip.io:3000'])(
    'is refused at the public address %s',
    async url => {
      expect(await refusals({ ...ON, PORCHLIGHT_PUBLIC_URL: url, PORCHLIGHT_INSECURE_HTTP: 'true' })).toEqual([
        `PORCHLIGHT_TEST_SIGN_IN: only for tests on this machine, and ${url} is a public address.`,
      ])
    },
  )

  test.each(['0.0.0.0', '192.168.0.7', '::'])('is refused where the server listens on %s', async host => {
    expect(await refusals({ ...ON, PORCHLIGHT_HOST: host })).toEqual([
      `PORCHLIGHT_TEST_SIGN_IN: only for tests on this machine, and ${host} can be reached from others.`,
    ])
  })

  test.each(['short', 'twenty two characters with spaces', 'x'.repeat(201)])(
    'refuses the secret "%s"',
    async secret => {
      const [problem, ...others] = await refusals({ ...ON, PORCHLIGHT_TEST_SIGN_IN: secret })
      expect(others).toEqual([])
      expect(problem).toMatch(/^PORCHLIGHT_TEST_SIGN_IN: got \d+ characters \(not shown\); expected at least 22/)
    },
  )

  test('is not a setting of configuration files, which are committed', async () => {
    writeFileSync(join(cwd, 'porchlight.config.json'), JSON.stringify({ testSignIn: SECRET }))
    expect(await refusals({ NODE_ENV: 'test' })).toEqual([
      'testSignIn in porchlight.config.json: only read from the environment, as PORCHLIGHT_TEST_SIGN_IN.',
    ])
  })
})
