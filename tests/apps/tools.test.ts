import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { launchChromium, newContext } from '../support/chromium.ts'
import type { Visitor } from '../support/client.ts'
import { signInByForm } from '../support/forms.ts'
import { blocksShownIn } from '../support/guide-blocks.ts'
import { type Person, setUp, signIn, signUp } from '../support/people.ts'
import { environmentFor, findPython } from '../support/python.ts'
import { freePort, ROOT, startServer, stopAll, temporaryFolder, waitUntil } from '../support/server.ts'

// The guide "A tool behind it", followed to the letter: its files, with free ports in the place of the ones it names.

const python = findPython()
const guide = blocksShownIn('docs/guides/tool-behind-it.md')
const ports: Record<string, number> = {}
const children: ChildProcess[] = []

let origin: string
let chromium: Browser
let admin: Person
let user: Person
let visitor: Visitor

interface UpstreamEntry extends Record<string, unknown> {
  name: string
  target: string
}

const here = (text: string) =>
  text
    .replaceAll('http://localhost:3000', origin)
    .replaceAll(/\b(?:8000|8001|8888)\b/g, port => String(ports[port] ?? port))

/** A file of the guide, in a folder. */
function put(folder: string, name: string): void {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  appendFileSync(file, here(guide.find(block => block.name === name)?.text ?? ''))
}

function run(program: string, args: string[], folder: string, env: NodeJS.ProcessEnv = {}): () => string {
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1', ...env },
  })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  return () => output
}

const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  )

async function startTools(program: string): Promise<void> {
  const office = temporaryFolder()
  execFileSync(program, ['-m', 'django', 'startproject', 'office', '.'], { cwd: office })
  put(office, 'office/porchlight.py')
  put(office, 'office/settings.py')
  writeFileSync(join(office, 'office/urls.py'), '')
  put(office, 'office/urls.py')
  execFileSync(program, ['manage.py', 'migrate', '-v0'], { cwd: office })
  const notebooks = temporaryFolder()
  put(notebooks, 'jupyter_server_config.py')
  const data = temporaryFolder()
  put(data, 'plugins/porchlight.py')
  put(data, 'datasette.yaml')
  execFileSync(
    program,
    [
      '-c',
      `import sqlite3\nsqlite3.connect('shop.db').executescript("create table orders(what); insert into orders values ('a lamp')")`,
    ],
    { cwd: data },
  )
  const outputs = [
    run(program, ['manage.py', 'runserver', here('127.0.0.1:8000'), '--noreload'], office),
    run(program, ['-m', 'jupyterlab', '--allow-root'], notebooks, { JUPYTER_CONFIG_DIR: notebooks }),
    run(
      program,
      [
        ...['-m', 'datasette', 'shop.db', '--config', 'datasette.yaml', '--plugins-dir', 'plugins'],
        ...['--host', '127.0.0.1', '--port', here('8001')],
      ],
      data,
    ),
  ]
  await waitUntil(
    async () => (await Promise.all(Object.values(ports).map(answers))).every(Boolean),
    'the tools to listen',
    () => outputs.map(output => output()).join('\n'),
    120_000,
  )
}

async function configured(): Promise<UpstreamEntry[]> {
  const shown = guide.filter(({ name }) => name === 'porchlight.config.ts')
  const all = shown.map(async ({ text }) => {
    const module = (await import(`data:text/javascript,${encodeURIComponent(here(text))}`)) as {
      default: { upstreams: UpstreamEntry[] }
    }
    return module.default.upstreams
  })
  return (await Promise.all(all)).flat()
}

/** The same tool as seen without `host: 'public'`. */
const bare = (upstream: UpstreamEntry): UpstreamEntry => ({
  ...upstream,
  name: `bare-${upstream.name}`,
  audience: upstream.name,
  prefix: `/bare-${upstream.name}`,
  target: `${upstream.target.replace('127.0.0.1', 'localhost')}/${upstream.name}`,
  strip: true,
  host: 'target',
})

describe.skipIf(python === null)('the guide "A tool behind it"', () => {
  beforeAll(async () => {
    for (const port of ['8000', '8001', '8888']) ports[port] = await freePort()
    const port = await freePort()
    origin = `http://localhost:${port}`
    const program = environmentFor(python ?? '', join(ROOT, 'tests/apps/tools/requirements.txt'))
    const upstreams = await configured()
    const started = startTools(program)
    await startServer({
      port,
      settings: { UPSTREAMS: JSON.stringify([...upstreams, ...upstreams.map(bare)]) },
    })
    const first = await setUp(origin)
    admin = first.person
    visitor = first.browser
    user = (await signUp(first.browser)).person
    chromium = await launchChromium()
    await started
  })
  afterAll(async () => {
    await chromium?.close()
    for (const child of children) child.kill('SIGTERM')
    await stopAll()
  })

  const opened = async (path: string, person = admin): Promise<Page> => {
    const { page } = await newContext(chromium, { baseURL: origin })
    await page.goto(path)
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    await signInByForm(page, person)
    await page.waitForURL(url => url.pathname === path)
    return page
  }

  test('Django admin: sign-in leads back to the page, forms are saved, and "Log out" signs out here', async () => {
    const page = await opened('/office/auth/group/add/')
    expect(await page.textContent('#user-tools')).toContain(admin.name)
    await page.fill('[name=name]', 'Editors')
    await page.click('[name=_save]')
    await page.locator('.messagelist .success').waitFor()
    expect(await page.textContent('#result_list')).toContain('Editors')
    await page.click('#logout-form button')
    await page.waitForURL('**/signed-out')
    await page.goto('/office/')
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    await page.context().close()
  })

  test('JupyterLab: a notebook runs over its WebSocket, which ends with the session', async () => {
    const page = await opened('/notebooks/lab')
    const closed: string[] = []
    page.on('websocket', socket => socket.on('close', () => closed.push(socket.url())))
    await page.click('.jp-LauncherCard[data-category="Notebook"]')
    await page.locator('#jp-main-statusbar', { hasText: '| Idle' }).waitFor()
    await page.click('.jp-Notebook .cm-content')
    await page.keyboard.type('6 * 7')
    await page.keyboard.press('Shift+Enter')
    await page.locator('.jp-OutputArea-output', { hasText: '42' }).waitFor()
    expect(closed).toEqual([])
    await page.request.post('/auth/logout', { headers: { origin } })
    await expect.poll(() => closed.some(url => url.includes('/channels'))).toBe(true)
    await page.context().close()
  })

  test('Datasette: shows its data to whoever is signed in, by name', async () => {
    const page = await opened('/data/shop/orders', user)
    expect(await page.textContent('table.rows-and-columns')).toContain('a lamp')
    expect(
      ((await (await page.request.get('/data/-/actor.json')).json()) as { actor: { name: string } }).actor.name,
    ).toBe(user.name)
    await page.context().close()
  })

  test('an account without the role is told so, and not sent round', async () => {
    const page = await opened('/office/', user)
    expect(await page.textContent('main')).toContain(user.email)
    expect(await page.locator('a[href="/account"]').count()).toBe(1)
    await page.context().close()
  })

  test('past Porchlight, with no token or a made-up one, nobody gets in', async () => {
    for (const headers of [{}, { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.' }]) {
      const at = (port: string, path: string) =>
        fetch(`http://localhost:${ports[port]}${path}`, { headers, redirect: 'manual' }).then(answer => answer.status)
      expect([
        await at('8000', '/office/auth/group/'),
        await at('8888', '/notebooks/api/contents'),
        await at('8001', '/data/shop/orders'),
      ]).toEqual([302, 403, 403])
    }
  })

  describe("tools that compare Origin with Host need host: 'public'", () => {
    /** As a browser on plain http sends it, without Fetch Metadata. */
    const post = (path: string, body: string) =>
      visitor.ask({
        method: 'POST',
        path,
        body,
        browserLike: false,
        headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
      })

    test.each([
      ['office', 302],
      ['bare-office', 403],
    ])('Django, on a form posted to /%s: %i', async (prefix, status) => {
      await visitor.page('/office/auth/group/add/')
      const { text } = await visitor.page(`/${prefix}/auth/group/add/`)
      const token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(text)?.[1] ?? ''
      const fields = new URLSearchParams({ csrfmiddlewaretoken: token, name: `from ${prefix}` }).toString()
      const answer = await post(`/${prefix}/auth/group/add/`, fields)
      expect([answer.status, answer.text.includes('CSRF verification failed')]).toEqual([status, status === 403])
    })

    test.each([
      ['data', 405],
      ['bare-data', 403],
    ])('Datasette, on a form posted to /%s: %i', async (prefix, status) => {
      const answer = await post(`/${prefix}/`, 'a=b')
      expect(answer.status).toBe(status)
    })

    test.each([
      ['notebooks', 101],
      ['bare-notebooks', 502],
    ])('Jupyter, on a WebSocket to /%s: %i', async (prefix, status) => {
      const browser = await signIn(origin, admin)
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/${prefix}/api/events/subscribe`, {
        headers: { origin, cookie: browser.jar.header() ?? '' },
      })
      const got = await Promise.race([
        once(socket, 'open').then(() => 101),
        once(socket, 'unexpected-response').then(([, answer]) => (answer as IncomingMessage).resume().statusCode),
      ])
      socket.terminate()
      expect(got).toBe(status)
    })
  })
})
