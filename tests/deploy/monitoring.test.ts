import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect } from 'vitest'
import { makeDashboard } from '../../deploy/grafana/make-dashboard.ts'
import { testWith } from '../support/faults/machine.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { ALMA } from '../support/provider.ts'
import { providerStage } from '../support/provider-stage.ts'
import { programAbility } from '../support/proxies/program-ability.ts'
import { startRecordingUpstream } from '../support/recording-upstream.ts'
import { freePort, ROOT, stopAll, temporaryFolder, waitUntil } from '../support/server.ts'

const run = promisify(execFile)
const ALERTS = join(ROOT, 'deploy/prometheus/alerts.yml')
const withPromtool = testWith(programAbility('promtool', '--version'))
const withPrometheus = testWith({
  ...programAbility('prometheus', '--version'),
  what: 'prometheus (apt-get install prometheus)',
})

const started = new Set<ChildProcess>()
const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const one of started) one.kill('SIGKILL')
  await stopAll()
  for (const close of closing) await close()
})

withPromtool('the alerts are valid, and each fires for what it is for and keeps quiet otherwise', async () => {
  expect((await run('promtool', ['check', 'rules', ALERTS])).stdout).toContain('SUCCESS')
  expect((await run('promtool', ['test', 'rules', ALERTS.replace('.yml', '.test.yml')])).stdout).toContain('SUCCESS')
})

interface Queried {
  status: string
  error?: string
  data: { result: { value: [number, string] }[] }
}
/** Nothing has happened of what these show. */
const EMPTY = ['Last backup', 'Mails by outcome', 'Client certificates expire in']

withPrometheus('Prometheus scrapes a server, takes the alerts and answers every query of the dashboard', async () => {
  const [receiver, upstream] = [await startOtlpReceiver(), await startRecordingUpstream()]
  const [metrics, port] = [await freePort(), await freePort()]
  const stage = await providerStage(
    { main: {} },
    {
      METRICS_PORT: String(metrics),
      TRACES_URL: receiver.url,
      UPSTREAMS: JSON.stringify([{ name: 'orders', target: upstream.origin }]),
    },
  )
  closing.push(receiver.stop, upstream.stop, stage.stop)
  const folder = temporaryFolder()
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [ALERTS],
      scrape_configs: [{ job_name: 'porchlight', static_configs: [{ targets: [`127.0.0.1:${metrics}`] }] }],
    }),
  )
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  started.add(prometheus)
  const ask = async <T>(path: string): Promise<T> =>
    (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()) as T
  const query = (expr: string) => ask<Queried>(`query?query=${encodeURIComponent(expr)}`)
  const value = async (expr: string) =>
    Number((await query(expr).catch(() => null))?.data.result[0]?.value[1] ?? Number.NaN)

  await waitUntil(async () => (await value('up{job="porchlight"}')) === 1, 'Prometheus to scrape the server')
  // A rate needs two scrapes, between which something has to happen.
  await waitUntil(async () => {
    await stage.signIn(stage.admin.stranger(), 'main', ALMA)
    await stage.admin.get('/api/orders/x')
    await stage.admin.page('/')
    await stage.admin.post('/auth/login', { email: 'nobody@example.org', password: 'a wrong password' })
    const first = ['request_seconds_count{family="api"}', 'problems_total', 'upstream_requests_total', 'sign_ins_total']
    const rates = await Promise.all(first.map(name => value(`sum(rate(porchlight_${name}[1m]))`)))
    return rates.every(rate => rate > 0)
  }, 'rates')

  const { panels } = JSON.parse(makeDashboard()) as { panels: { title: string; targets?: { expr: string }[] }[] }
  const silent: string[] = []
  for (const { title, targets = [] } of panels) {
    for (const { expr } of targets) {
      const filled = expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m')
      const { status, error, data } = await query(filled)
      expect(status, `${title}: ${expr}: ${error}`).toBe('success')
      if (data.result.length === 0 && !silent.includes(title)) silent.push(title)
    }
  }
  // Some panels show what must not happen, or seldom does, beside what does.
  const quiet = new Set([...EMPTY, 'Sessions opened and ended', 'Failures', 'Tokens and sign-outs', 'Spans of traces'])
  expect(silent.filter(title => !quiet.has(title))).toEqual([])

  const { data } = await ask<{ data: { groups: { rules: { name: string; health: string; state: string }[] }[] } }>(
    'rules',
  )
  const rules = data.groups.flatMap(group => group.rules)
  expect(rules.length).toBeGreaterThan(20)
  expect(rules.filter(({ health, state }) => health !== 'ok' || state === 'firing')).toEqual([])
})
