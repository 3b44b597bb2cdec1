import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DASHBOARD_FILE, makeDashboard } from '../../deploy/grafana/make-dashboard.ts'
import { NAME } from '../../server/contract/name.ts'
import { createMetrics } from '../../server/ops/metrics.ts'
import { read } from '../support/source-tree.ts'

const metrics = createMetrics().list()
/** A histogram is several series. */
const series = new Map(
  metrics.flatMap(({ name, type }) => [
    [name, name] as const,
    ...(type === 'histogram' ? ['_bucket', '_sum', '_count'].map(end => [name + end, name] as const) : []),
  ]),
)
const seriesIn = (text: string) => [...new Set(text.match(new RegExp(`\\b${NAME}_[a-z0-9_]+`, 'g')) ?? [])]

const ALERTS = read('deploy/prometheus/alerts.yml')
const PARTS: [string, string][] = [
  ['the dashboard', makeDashboard()],
  ['the alerts', ALERTS],
  ['the tests of the alerts', read('deploy/prometheus/alerts.test.yml')],
  ['the guide', read('docs/guides/monitoring.md')],
]

describe('deploy/grafana and deploy/prometheus', () => {
  test('the dashboard is what `npm run dashboard` makes of the panels', () => {
    expect(readFileSync(DASHBOARD_FILE, 'utf8')).toBe(makeDashboard())
  })

  test.each(PARTS)('every metric that is named in %s exists', (_, text) => {
    expect(seriesIn(text).length).toBeGreaterThan(0)
    expect(seriesIn(text).filter(name => !series.has(name))).toEqual([])
  })

  test('every metric of ours is shown or alerts; of the process, those that tell something', () => {
    const used = new Set([makeDashboard(), ALERTS].flatMap(seriesIn).map(name => series.get(name)))
    const ours = metrics.filter(({ name }) => !/^[a-z]+_(?:process|nodejs)_/.test(name))
    expect(ours.map(({ name }) => name).filter(name => !used.has(name))).toEqual([])
  })

  test('every alert has a test, a summary and a severity', () => {
    const alerts = [...ALERTS.matchAll(/- alert: (\w+)\n([\s\S]*?)(?=\n\n|$)/g)]
    expect(alerts.length).toBeGreaterThan(20)
    const tested = read('deploy/prometheus/alerts.test.yml')
    for (const [, name = '', rule = ''] of alerts) {
      expect(tested, name).toContain(`alertname="${name}"`)
      expect(rule, name).toMatch(/severity: (?:page|ticket)/)
      expect(rule, name).toContain('summary:')
    }
  })
})
