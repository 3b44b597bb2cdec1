// The README's first minute, as a person lives it: `npm start` in a fresh clone, the set-up link, a first
// administrator, a tab left open past the access token's life, sign-out and sign-in. Fails loudly; says what it did.
import { spawn, spawnSync } from 'node:child_process'
import { Visitor } from '../support/client.ts'
import { codeIn, signIn, somebody } from '../support/people.ts'
import { freePort, sleep, statusOf, waitUntil } from '../support/server.ts'

const ACCESS_SECONDS = 10
const port = await freePort()
const env = {
  ...process.env,
  PORCHLIGHT_PORT: String(port),
  PORCHLIGHT_PUBLIC_URL: `http://localhost:${port}`,
  PORCHLIGHT_ACCESS_SECONDS: String(ACCESS_SECONDS),
  PORCHLIGHT_REFRESH_CONFIRM_SECONDS: '2',
  PORCHLIGHT_REFRESH_GRACE_SECONDS: '5',
}

const started = Date.now()
const say = (what: string) => process.stdout.write(`   ${((Date.now() - started) / 1000).toFixed(1)} s  ${what}\n`)
const must = (holds: boolean, what: string) => {
  if (!holds) throw new Error(what)
  say(what)
}

// Its own process group, because npm is the parent of the server.
const npm = spawn('npm', ['start'], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
let output = ''
for (const stream of [npm.stdout, npm.stderr]) stream.on('data', chunk => (output += String(chunk)))
const exited = new Promise<number | null>(done => npm.on('exit', done))

try {
  await waitUntil(
    async () => {
      if (npm.exitCode !== null) throw new Error('npm start ended by itself')
      return (await statusOf(port, '/readyz')) === 200
    },
    'npm start to be ready',
    () => '',
    300_000,
  )
  say('npm start is ready, the site built')

  const printed = spawnSync('npm', ['run', '--silent', 'porchlight', '--', 'setup'], { env, encoding: 'utf8' })
  const link = /https?:\/\/\S+/.exec(printed.stdout)?.[0]
  if (link === undefined) throw new Error(`porchlight setup printed no link:\n${printed.stdout}${printed.stderr}`)
  say('porchlight setup prints a link')

  const person = somebody('First Person')
  const browser = new Visitor(`http://localhost:${port}`)
  const page = await browser.page(new URL(link).pathname + new URL(link).search)
  must(page.status === 200 && page.text.includes('<form'), 'the set-up page opens')
  const made = await browser.post('/auth/setup', { code: codeIn(link), ...person })
  must(made.status === 200, 'the first administrator is made and signed in')
  const before = browser.jar.value('access')

  const home = await browser.page('/')
  must(home.status === 200 && home.text.includes(person.name), 'the home page knows who it is')

  await sleep((ACCESS_SECONDS + 1) * 1000)
  const later = await browser.session()
  must(later.user?.email === person.email, "still signed in past the access token's life")
  must(browser.jar.value('access') !== before, 'the access token was renewed')

  must(
    (await browser.post('/auth/logout')).status === 200 && browser.jar.value('refresh') === null,
    'signed out, the jar is empty',
  )
  must((await browser.session()).user === null, 'nobody is signed in')
  const again = await signIn(browser.origin, person)
  must((await again.session()).user?.email === person.email, 'signed in again')
} catch (error) {
  process.stdout.write(`${String(error)}\n--- what npm start wrote\n${output}\n`)
  process.exitCode = 1
} finally {
  if (npm.pid !== undefined && npm.exitCode === null) process.kill(-npm.pid, 'SIGTERM')
  await exited
}
