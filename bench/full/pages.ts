import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { Bench } from '../figure.ts'
import { median } from '../load.ts'
import { startBarePage } from '../page.ts'
import { gzipSize, scriptsOf, SIGN_IN_BUDGET } from '../page-weight.ts'
import { compare, ratio } from './compare.ts'
import { pinServers, unpinServers } from './machine.ts'
import { PEERS } from './peer.ts'
import { claim, failedRow, type Options, type Row, type Section } from './section.ts'

const OURS = 'Porchlight'
const BARE = 'bare Nuxt'
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
/** Chromium as root in a container needs the first. */
const FLAGS = '--headless=new --no-sandbox --disable-gpu'
const SCORES = ['performance', 'accessibility', 'best-practices', 'seo']

export async function measurePages(bench: Bench, options: Options, say: (line: string) => void): Promise<Section[]> {
  return [await rendering(bench, options, say), await weight(bench), await lighthouse(bench, options, say)]
}

/** The account page, with its person in the first byte, against the same build with nothing around it. */
async function rendering(bench: Bench, options: Options, say: (line: string) => void): Promise<Section> {
  const { child, port, path, headers } = await startBarePage(bench)
  const contenders = [
    {
      name: OURS,
      note: 'session judged, policy with its nonce, request logged',
      pid: bench.server.pid,
      port: bench.server.port,
      path,
      headers,
    },
    { name: BARE, note: 'the limit', pid: child.pid ?? 0, port, path, headers },
  ]
  const comparison = await compare(contenders, { method: 'GET', bodyBytes: 0, connections: 16 }, options, say).finally(
    () => child.kill(),
  )
  return {
    title: 'A page, signed in',
    method:
      'GET of /account, rendered for the person who asks; beside it the same build of the site on node:http, with a session that is always the same. Both give the same page, which is checked.',
    columns: [
      { key: 'cpuMicros', title: 'µs of processor time per page', digits: 0, plotted: true },
      { key: 'rate', title: 'pages per second', digits: 0, plotted: false },
      { key: 'p50', title: 'median, ms', digits: 1, plotted: false },
      { key: 'p99', title: 'p99, ms', digits: 1, plotted: false },
    ],
    rows: comparison.rows,
    figures: [
      claim(
        'page /account, signed in, per core',
        1 / ratio(comparison, OURS, BARE, 'cpuMs'),
        '× the same build alone',
        { least: 0.95 },
        `by rate ${ratio(comparison, OURS, BARE, 'rate').toFixed(2)}`,
      ),
    ],
  }
}

/** What a newcomer's browser loads before anybody can sign in. */
async function weight({ browser, site }: Bench): Promise<Section> {
  const { text } = await browser.stranger().page('/sign-in')
  const styles = [...text.matchAll(/<link[^>]+href="([^"]+\.css)"/g)].map(([, path = '']) => path)
  const scripts = scriptsOf(text)
  const plain = (paths: string[]) => paths.reduce((sum, path) => sum + readFileSync(join(site.root, path)).length, 0)
  const row = (name: string, bytes: number, gzip: number, files: number): Row => ({
    name,
    note: '',
    failed: null,
    values: { files, bytes: bytes / 1000, gzip: gzip / 1000 },
  })
  const parts = [
    row('HTML', Buffer.byteLength(text), gzipSync(text).length, 1),
    row('JavaScript', plain(scripts), gzipSize(site.root, scripts), scripts.length),
    row('styles', plain(styles), gzipSize(site.root, styles), styles.length),
  ]
  const javaScript = gzipSize(site.root, scripts)
  return {
    title: 'The sign-in page',
    method: 'What /sign-in loads before it can be used, by its own HTML; there are no fonts and no pictures.',
    columns: [
      { key: 'files', title: 'files', digits: 0, plotted: false },
      { key: 'bytes', title: 'KB', digits: 1, plotted: false },
      { key: 'gzip', title: 'KB gzip', digits: 1, plotted: false },
    ],
    rows: parts,
    figures: [
      claim(
        'JavaScript of /sign-in',
        javaScript / 1000,
        'KB gzip',
        { most: SIGN_IN_BUDGET / 1000 },
        `${scripts.length} files`,
      ),
    ],
  }
}

/** Lighthouse's four scores of the pages that strangers see. */
async function lighthouse({ server }: Bench, { quick }: Options, say: (line: string) => void): Promise<Section> {
  const rows: Row[] = []
  unpinServers()
  for (const path of ['/sign-in', '/']) {
    try {
      const runs: Record<string, number>[] = []
      for (let run = 0; run < (quick ? 1 : 3); run++)
        runs.push(await scoresOf(`http://localhost:${server.port}${path}`))
      const values = Object.fromEntries(
        SCORES.map(name => [name, median(runs.map(scores => scores[name] ?? Number.NaN))]),
      )
      rows.push({ name: path, note: '', failed: null, values })
      say(`  Lighthouse, ${path}: ${Object.values(values).join(', ')}`)
    } catch (error) {
      rows.push(failedRow(path, '', error))
    }
  }
  pinServers()
  const of = (name: string) => Math.min(...rows.map(row => row.values[name] ?? Number.NaN))
  return {
    title: 'Lighthouse',
    method:
      "As it comes: a telephone, its network and processor slowed down by simulation; the system's Chromium; signed out.",
    columns: SCORES.map(name => ({ key: name, title: name, digits: 0, plotted: false })),
    rows,
    figures: SCORES.map(name => claim(`Lighthouse: ${name}`, of(name), 'of 100', {})),
  }
}

async function scoresOf(url: string): Promise<Record<string, number>> {
  const chromium = CHROMIUM.find(file => existsSync(file))
  if (chromium === undefined) throw new Error('there is no Chromium on this system')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(PEERS, 'node_modules/lighthouse/cli/index.js'), url, '--quiet', '--output=json', `--chrome-flags=${FLAGS}`],
    {
      env: { ...process.env, CHROME_PATH: chromium },
      maxBuffer: 64 * 1024 * 1024,
      timeout: 180_000,
    },
  )
  const { categories } = JSON.parse(stdout) as { categories: Record<string, { score: number | null }> }
  return Object.fromEntries(SCORES.map(name => [name, Math.round((categories[name]?.score ?? Number.NaN) * 100)]))
}
