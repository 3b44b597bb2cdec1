import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import config from '../../examples/provider.config.ts'
import { Visitor } from '../support/client.ts'
import { setUp } from '../support/people.ts'
import { signInWith } from '../support/provider-visit.ts'
import { freePort, ROOT, startServer, stopAll, waitUntil } from '../support/server.ts'

let provider: ChildProcess | undefined
afterAll(async () => {
  if (provider?.pid !== undefined) process.kill(-provider.pid)
  await stopAll()
})

test('npm run dev:provider and the configuration that it prints are enough to sign in', async () => {
  const port = await freePort()
  const site = `http://localhost:${port}`
  let printed = ''
  // A group of its own: npm starts a shell, and that the provider.
  provider = spawn('npm', ['run', '--silent', 'dev:provider'], {
    cwd: ROOT,
    detached: true,
    env: { ...process.env, PORCHLIGHT_PUBLIC_URL: site },
  })
  for (const stream of [provider.stdout, provider.stderr]) stream?.on('data', chunk => (printed += String(chunk)))
  await waitUntil(
    () => printed.includes('Sign in there as'),
    'the provider to say where it is; it wrote:\n',
    () => printed,
  )
  expect(printed).toContain(`A test provider for ${site} at ${config.providers?.[0]?.issuer}`)

  const [, path] = /PORCHLIGHT_CONFIG=(\S+) npm run dev/.exec(printed) ?? []
  const server = await startServer({ port, settings: { CONFIG: join(ROOT, path ?? '') } })
  await setUp(server.origin)
  const people = [...printed.matchAll(/^ {2}(\w+), with the password: (.+)$/gm)].map(
    ([, login = '', password = '']) => ({ login, password, claims: {} }),
  )
  const roles = []
  for (const person of people) {
    const browser = new Visitor(server.origin)
    const answer = await signInWith(browser, {
      as: 'test',
      issuer: config.providers?.[0]?.issuer ?? '',
      person,
      returnTo: '/account',
    })
    expect(answer.headers.location).toBe('/account')
    roles.push((await browser.session()).user?.roles)
  }
  expect(roles).toEqual([['user'], ['admin', 'user']])
})
