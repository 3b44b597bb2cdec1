import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppBuild, appBuild } from '../support/app-builds.ts'
import { hydrated, launchChromium, newContext, unpackChromium } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import { send } from '../support/forms.ts'
import { filesShownIn } from '../support/guide-blocks.ts'
import { type Person, setUp, somebody } from '../support/people.ts'
import { environmentFor, findPython } from '../support/python.ts'
import { freePort, ROOT, type Server, sleep, startServer, statusOf, stopAll, waitUntil } from '../support/server.ts'
import { SHORT_LIVES } from '../support/short-lives.ts'

// Front ends of other frameworks, built as their users build them, in front of two APIs that verify their tokens.

const NODE = join(ROOT, 'node_modules/.bin/node')
const NUXT = join(ROOT, 'node_modules/nuxt/bin/nuxt.mjs')
const python = findPython()

let chromium: Browser
const children: ChildProcess[] = []
const apis: http.Server[] = []

beforeAll(async () => {
  await unpackChromium()
  chromium = await launchChromium()
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const api of apis) api.close()
  await chromium?.close()
  await stopAll()
})

/** An API that answers with the audience of its token, and refuses every token that is not for it. */
async function startApi(audience: string, issuer: string): Promise<string> {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer))
  const api = http.createServer((incoming, outgoing) => {
    const token = /^Bearer (.+)$/.exec(incoming.headers.authorization ?? '')?.[1] ?? ''
    jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt' }).then(
      ({ payload }) =>
        void outgoing
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ audience: payload.aud })),
      () => void outgoing.writeHead(401).end(),
    )
  })
  await new Promise<void>(done => api.listen(0, '127.0.0.1', done))
  apis.push(api)
  return `http://127.0.0.1:${(api.address() as AddressInfo).port}`
}

/** @param site the setting, for a public URL */
async function startBehind(site: (origin: string) => Promise<object>): Promise<{ server: Server; person: Person }> {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const upstreams = await Promise.all(
    ['orders', 'stock'].map(async name => ({ name, target: await startApi(name, origin) })),
  )
  const settings = {
    ...SHORT_LIVES,
    SITE: JSON.stringify(await site(origin)),
    UPSTREAMS: JSON.stringify(upstreams),
  }
  const server = await startServer({ port, settings })
  const person = somebody('Ada First')
  await setUp(server.origin, person)
  return { server, person }
}

/** Starts a program that serves pages at a port, and waits until it does. */
async function startFrontEnd(
  issuer: string,
  command: (port: string) => { program: string; args: string[]; cwd: string; env: Record<string, string> },
): Promise<string> {
  const port = await freePort()
  const { program, args, cwd, env } = command(String(port))
  const child = spawn(program, args, { cwd, env: { PATH: process.env['PATH'], PORCHLIGHT_URL: issuer, ...env } })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  await waitUntil(
    async () => (await statusOf(port, '/')) !== null,
    'the front end to listen:\n',
    () => output,
  )
  return `http://127.0.0.1:${port}`
}

const textOf = (page: Page, selector: string) => page.textContent(selector)
const become = (page: Page, selector: string, text: string) =>
  waitUntil(async () => (await textOf(page, selector).catch(() => null)) === text, `${selector} to be "${text}"`)
async function fillIn(page: Page, person: Person): Promise<void> {
  await page.waitForURL(({ pathname }) => pathname === '/sign-in')
  await hydrated(page)
  await send(page, '/auth/login', { email: person.email, password: person.password })
}

const CALLS = '/api/orders 200 orders, /api/stock 200 stock'
const untilExpired = () => sleep(Number(SHORT_LIVES.ACCESS_SECONDS) * 1000 + 500)

/** What a front end of any kind has to do. */
async function journey(
  { server, person }: { server: Server; person: Person },
  { calls, landing }: { calls: string; landing: RegExp },
): Promise<void> {
  const { page, trouble } = await newContext(chromium, { baseURL: server.origin })
  await page.goto('/')
  await become(page, '#who', 'nobody')
  expect(await page.evaluate('getComputedStyle(document.querySelector("h1")).color')).toMatch(
    /rgb\((?:180, 83, 10|0, 0, 0)\)/,
  )
  await page.click('#in')
  await fillIn(page, person)
  await page.waitForURL(({ pathname }) => landing.test(pathname))
  await page.goto('/')
  await become(page, '#who', 'Ada First')
  await page.click('#load')
  await become(page, '#answers', calls)

  await untilExpired()
  await page.click('#load')
  await become(page, '#answers', calls)
  await untilExpired()
  await page.reload()
  await become(page, '#who', 'Ada First')

  await page.click('#out')
  await become(page, '#who', 'nobody')
  expect(trouble).toEqual({ console: [], errors: [], csp: [], failed: [] })
}

describe.concurrent('a static build runs unchanged, with every inline script and nothing else', () => {
  test.each<[string, AppBuild, string, RegExp, number]>([
    [
      'nuxt generate',
      { name: 'nuxt-static', variant: 'static', install: false, command: [NODE, NUXT, 'generate'] },
      '.output/public',
      /\/_nuxt\/.+\.js$/,
      200,
    ],
    [
      "SvelteKit's adapter-static",
      {
        name: 'sveltekit',
        variant: 'static',
        install: true,
        command: ['npx', 'vite', 'build'],
        env: { TARGET: 'static' },
      },
      'build',
      /\/_app\/immutable\/.+\.js$/,
      200,
    ],
    [
      'astro build',
      {
        name: 'astro',
        variant: 'static',
        install: true,
        command: ['npx', 'astro', 'build'],
        env: { ASTRO_TELEMETRY_DISABLED: '1' },
      },
      'dist',
      /none/,
      404,
    ],
  ])('%s', async (_name, build, output, hashed, unknown) => {
    const folder = await appBuild(build)
    const stage = await startBehind(async () => ({ static: join(folder, output) }))
    await journey(stage, { calls: CALLS, landing: /^\/$/ })

    const { page, trouble } = await newContext(chromium, { baseURL: stage.server.origin })
    const kept: string[] = []
    page.on('response', response => {
      if (hashed.test(response.url())) kept.push(response.headers()['cache-control'] ?? '')
    })
    await page.goto('/')
    await page.click('#about')
    await page.waitForURL('**/about')
    await become(page, 'h1', 'About')
    await page.reload()
    await become(page, 'h1', 'About')
    expect(new Set(kept)).toEqual(new Set(build.name === 'astro' ? [] : ['public, max-age=31536000, immutable']))
    expect(trouble).toEqual({ console: [], errors: [], csp: [], failed: [] })

    const missing = await page.goto('/no/such/page')
    expect(missing?.status()).toBe(unknown)
    await page.goto('/')
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('script'), { text: 'window.injected = 1' }))`,
    )
    expect(await page.evaluate('window.injected'), 'a script that the build did not have').toBeUndefined()
  })
})

test('the servers have the very files that the guide shows', () => {
  const shown = filesShownIn('docs/guides/existing-front-end.md')
  for (const [name, file] of [
    ['hooks.server.js', 'sveltekit/src/hooks.server.js'],
    ['who_asks.py', 'django/who_asks.py'],
  ] as const)
    expect(shown.get(name)).toBe(readFileSync(join(ROOT, 'tests/apps', file), 'utf8'))
})

describe.concurrent('a server that renders for whoever asks', () => {
  const servers: Record<string, (origin: string) => Promise<string>> = {
    SvelteKit: async origin => {
      const cwd = await appBuild({
        name: 'sveltekit',
        variant: 'server',
        install: true,
        command: ['npx', 'vite', 'build'],
        env: { TARGET: 'server' },
      })
      return startFrontEnd(origin, port => ({
        program: NODE,
        args: ['build'],
        cwd,
        // As adapter-node wants it behind a proxy: its check of forms compares Origin with this address.
        env: { HOST: '127.0.0.1', PORT: port, PROTOCOL_HEADER: 'x-forwarded-proto', HOST_HEADER: 'x-forwarded-host' },
      }))
    },
    Django: async origin => {
      const cwd = join(ROOT, 'tests/apps/django')
      const program = environmentFor(python ?? '', join(cwd, 'requirements.txt'))
      return startFrontEnd(origin, port => ({
        program,
        args: ['main.py', port],
        cwd,
        env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' },
      }))
    },
  }

  test.each(Object.keys(servers).filter(name => name !== 'Django' || python !== null))('%s', async name => {
    const stage = await startBehind(async origin => ({
      upstream: await servers[name]?.(origin),
      token: 'porchlight',
      audience: 'shop',
      claims: ['name'],
      serverRoutes: true,
      host: name === 'Django' ? 'public' : 'target',
    }))
    const { server, person } = stage
    // The link leads to a page that sends anonymous visitors to sign-in by a redirect of its own.
    await journey(stage, { calls: `${CALLS}, /api/cart 200 cart of Ada First`, landing: /^\/members\/?$/ })

    const visitor = new Visitor(server.origin)
    await visitor.post('/auth/login', { email: person.email, password: person.password })
    const first = await visitor.get('/')
    expect(first.text, 'the first byte of HTML knows the person').toMatch(/id="who">Ada First</)
    expect(first.headers['cache-control']).toMatch(/^private/)
    const stranger = new Visitor(server.origin)
    expect((await stranger.get('/')).text).toMatch(/id="who">nobody</)
    expect((await stranger.get('/api/cart')).json()).toEqual({ audience: 'anybody' })
    expect((await stranger.get('/api/orders')).status).toBe(401)
    const moved = await stranger.get('/old')
    expect(new URL(moved.headers.location ?? '', server.origin).href).toBe(`${server.origin}/?moved`)
    const members = await stranger.get('/members/')
    expect(members.headers.location ?? '').toMatch(/^(?:\/sign-in\?returnTo=|\/members$)/)

    const { page, trouble } = await newContext(chromium, { baseURL: server.origin })
    await page.goto('/sign-in')
    await fillIn(page, person)
    await page.waitForURL(url => url.pathname !== '/sign-in')
    await page.goto('/')
    await page.fill('[name=wish]', 'a lamp')
    await page.click('form button')
    await become(page, '#wish', 'a lamp')
    expect(trouble).toEqual({ console: [], errors: [], csp: [], failed: [] })
  })
})
