import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { environmentFor, findPython } from '../support/python.ts'
import { ROOT, runCommand, type Server, startServer, stopAll, temporaryFolder } from '../support/server.ts'

// People of a real Django site and of FastAPI Users, exported by the recipes of docs/guides/moving-people.md.

const APP = join(ROOT, 'tests/apps/moving')
const HASHERS = ['pbkdf2_sha256', 'pbkdf2_sha1', 'argon2', 'bcrypt_sha256', 'bcrypt', 'scrypt']
const passwordOf = (name: string) => `${name} keeps a lántern`
const found = findPython()

let python: string
let folder: string
let server: Server

/** A recipe of the guide, by a word that only it has. */
function recipe(word: string): string {
  const guide = readFileSync(join(ROOT, 'docs/guides/moving-people.md'), 'utf8')
  const blocks = [...guide.matchAll(/^```python\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
  return blocks.find(code => code.includes(word)) ?? expect.fail(`no recipe with ${word}`)
}

function run(args: string[], input: string): string {
  const env = { PATH: process.env['PATH'], PYTHONPATH: APP, DJANGO_SETTINGS_MODULE: 'settings' }
  return execFileSync(python, ['-B', ...args], { cwd: folder, env, input, encoding: 'utf8' })
}

async function importFile(...options: string[]): Promise<string> {
  const { code, output } = await runCommand(['user', 'import', join(folder, 'people.jsonl'), ...options], server)
  expect(code, output).toBe(0)
  return output
}

async function signIn(name: string, password = passwordOf(name)) {
  const browser = new Visitor(server.origin)
  const { status, text } = await browser.post('/auth/login', { email: `${name}@example.org`, password })
  return { status, text, browser }
}

describe.skipIf(found === null)('people who move here', () => {
  beforeAll(async () => {
    python = environmentFor(found ?? '', join(APP, 'requirements.txt'))
    folder = temporaryFolder()
    run(['-m', 'django', 'migrate', '--verbosity', '0'], '')
    run(['-m', 'django', 'shell', '--verbosity', '0'], readFileSync(join(APP, 'people.py'), 'utf8'))
    server = await startServer({ settings: { LINK_DAYS: '7' } })
  })
  afterAll(stopAll)

  test('from Django sign in with their passwords, whatever hashed them', async () => {
    run(['-m', 'django', 'shell', '--verbosity', '0'], recipe('get_user_model'))
    expect(statSync(join(folder, 'people.jsonl')).mode & 0o777).toBe(0o600)
    expect(await importFile('--dry-run')).toContain('Would import 8, 0 skipped, 0 refused.')
    const output = await importFile('--links')
    expect(output).toContain('Imported 8, 0 skipped, 0 refused.')
    expect(output).toMatch(/^Linked@Example\.org\thttp:\S+\/reset#code=\S+$/m)
    expect(output.match(/#code=/g), 'who has a password, or is disabled, needs no link').toHaveLength(1)
    for (const name of HASHERS) {
      expect((await signIn(name, 'another lantern')).status, name).toBe(401)
      const first = await signIn(name)
      expect(first.status, `${name}: ${first.text}`).toBe(200)
      expect((await first.browser.session()).user).toMatchObject({
        name,
        roles: name === 'scrypt' ? ['admin', 'user'] : ['user'],
      })
      expect((await signIn(name)).status, `${name} again`).toBe(200)
    }
    expect((await signIn('gone')).text).toContain('account_disabled')
    expect(await importFile()).toContain('Imported 0, 8 skipped, 0 refused.')
    expect(server.output).toContain('account_imported')
    expect(server.output).not.toMatch(/pbkdf2_sha|argon2id|\$2b|example\.org/i)
  })

  test('from FastAPI Users sign in with theirs', async () => {
    rmSync(join(folder, 'people.jsonl'))
    run(['-'], recipe('sqlite3'))
    expect(await importFile()).toContain('Imported 1, 0 skipped, 0 refused.')
    expect((await signIn('fastapi')).status).toBe(200)
  })
})
