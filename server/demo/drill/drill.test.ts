import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { ProofCheck, ProofRun } from '../../contract/demo/wire-proof.ts'
import { varied } from '../../../tests/support/varied.ts'
import { startSessionServer } from './session-server.testing.ts'
import type { createSessions } from '../../session/sessions.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const ROOM = join(ROOT, 'server/session')
const MUTANTS = join(ROOT, '.cache/drill-mutants')
/** In the proportions of the defaults, short enough to wait for. */
const settings = { accessMs: 2000, graceMs: 1000, confirmMs: 400 }
const LOGIN = ['--login', 'POST /login', '--check', '/auth/session']

afterAll(() => rmSync(MUTANTS, { recursive: true, force: true }))

interface Told {
  passed: boolean
  tokens: ProofCheck
  runs: ProofRun[]
}

async function drill(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; told: Told | null; output: string }> {
  const child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'server/porchlight.mjs'), 'drill', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  })
  let printed = ''
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += String(chunk)
  })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += String(chunk)
    })
  child.stdin.end()
  const code = await new Promise<number | null>(done => child.once('close', done))
  return { code, told: args.includes('--json') && printed !== '' ? (JSON.parse(printed) as Told) : null, output }
}

/** The failed checks, by demonstration. */
function failures(told: Told | null): string[] {
  const wrong = ({ wanted, seen }: ProofCheck) => wanted !== seen
  return (told?.runs ?? []).flatMap(run => run.checks.filter(wrong).map(({ id }) => `${run.scenario} ${id}`))
}

/** The session room with one rule removed. */
async function without(name: string, file: string, find: string, put: string): Promise<typeof createSessions> {
  const folder = join(MUTANTS, name)
  mkdirSync(folder, { recursive: true })
  for (const each of readdirSync(ROOM).filter(one => one.endsWith('.ts') && !one.endsWith('.test.ts'))) {
    const text = readFileSync(join(ROOM, each), 'utf8')
    if (each === file) expect(text.split(find).length, `"${find}" stands once in ${file}`).toBe(2)
    writeFileSync(
      join(folder, each),
      (each === file ? text.replace(find, () => put) : text).replaceAll("from '../", `from '${resolve(ROOM, '..')}/`),
    )
  }
  return (
    (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'sessions.ts')).href)) as {
      createSessions: typeof createSessions
    }
  ).createSessions
}

test('all checks pass with the real rules: exit code 0', { timeout: 60_000 }, async () => {
  const server = await startSessionServer({ settings })
  const { code, told, output } = await drill([server.origin, ...LOGIN, '--json'])
  await server.close()
  expect(failures(told)).toEqual([])
  expect(told?.passed, output).toBe(true)
  expect(code).toBe(0)
})

const RULES = [
  {
    rule: 'one refresh for all',
    file: 'judge.ts',
    find: "return isUnconfirmed ? 'serve' : 'again'",
    put: "return 'reuse'",
    fails: ['storm answered', 'lost-answer let_in_again'],
  },
  {
    rule: 'ending a session whose old token reappears',
    file: 'judge.ts',
    find: "if (presented < at.newest - 1) return 'reuse'",
    put: "if (presented < at.newest - 1) return 'serve'",
    fails: ['thief thief_in', 'thief owner_in_after', 'thief told_why'],
  },
]
test.each(varied(RULES.slice(0, 1), RULES))(
  'without $rule the drill fails: exit code 1',
  { timeout: 60_000 },
  async ({ rule, file, find, put, fails }) => {
    const server = await startSessionServer({
      settings,
      make: await without(rule.replaceAll(' ', '-'), file, find, put),
    })
    const { code, told, output } = await drill([server.origin, ...LOGIN, '--json'])
    await server.close()
    expect(failures(told), output).toEqual(expect.arrayContaining(fails))
    expect(code).toBe(1)
  },
)

test('another site: a token that scripts can read works for whoever copies it', { timeout: 60_000 }, async () => {
  const server = createServer((incoming, outgoing) => {
    if (incoming.method === 'POST')
      return outgoing.writeHead(303, { 'set-cookie': 'token=secret-of-ann; Path=/', location: '/' }).end()
    const known = incoming.headers.cookie?.includes('token=secret-of-ann') === true
    outgoing
      .writeHead(200, { 'content-type': 'text/html' })
      .end(known ? '<p>Welcome, ann@example.org</p>' : '<p>Please sign in</p>')
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { code, told, output } = await drill(
    [origin, '--login', 'POST /in email=$email&password=$password', '--check', '/', '--wait', '1', '--json'],
    { DRILL_EMAIL: 'ann@example.org', DRILL_PASSWORD: 'x' },
  )
  server.close()
  expect(told?.tokens.seen, output).toBe(1)
  expect(failures(told)).toEqual(['thief thief_in', 'thief owner_in_after'])
  expect(code).toBe(1)
})

test.each([
  [['https://example.org'], '--i-own-this'],
  [['not an address'], 'Not the address of a site'],
  [['http://localhost:9', '--login', 'nonsense', '--check', '/'], 'Not a sign-in request'],
  [['http://localhost:9', '--login', 'POST /in'], '--check PATH'],
  [['http://localhost:9'], 'DRILL_EMAIL'],
  [['http://localhost:9', ...LOGIN], 'cannot be reached'],
])('invalid arguments are explained: %j', async (args, words) => {
  const { code, output } = await drill(args, { DRILL_EMAIL: undefined })
  expect(output).toContain(words)
  expect(code).toBe(1)
})
