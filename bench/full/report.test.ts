import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { asText, type Report, writeReport } from './report.ts'
import { claim, failedRow } from './section.ts'

const folder = mkdtempSync(join(tmpdir(), 'porchlight-report-'))
afterAll(() => rmSync(folder, { recursive: true }))

const report: Report = {
  machine: {
    at: '2026-01-02T03:04:05.000Z',
    commit: 'abc1234',
    node: 'v24.0.0',
    cpu: 'A <fast> one',
    cores: 2,
    memoryGb: 8,
    kernel: '6.1',
    pinned: 'not pinned',
    versions: { nginx: 'missing' },
  },
  options: { rounds: 3, seconds: 1, quick: true },
  minutes: 1,
  sections: [
    {
      title: 'Relay & co',
      method: 'In turn.',
      columns: [{ key: 'rate', title: 'calls per second', digits: 0, plotted: true }],
      rows: [
        { name: 'Porchlight', note: 'all of it', failed: null, values: { rate: 5000 } },
        failedRow('nginx', 'no session', new Error('spawn nginx ENOENT')),
      ],
      figures: [claim('relay', Number.NaN, '× nginx', { most: 1 }), claim('start', 1.1, '× before', { most: 1.15 })],
    },
  ],
}

describe('the report of a bench', () => {
  test('a peer that did not start is a row that says why, everywhere', () => {
    const markdown = readFileSync(writeReport(report, folder, '2026-01-02'), 'utf8')
    expect(markdown).toContain('🔴 nginx')
    expect(markdown).toContain('failed: spawn nginx ENOENT')
    expect(stripVTControlCharacters(asText(report))).toContain('FAILED: spawn nginx ENOENT')
    expect(readFileSync(join(folder, '2026-01-02/01-rate.svg'), 'utf8')).toContain('class="failed"')
  })

  test('a ratio that could not be measured is a missed target', () => {
    expect(readFileSync(writeReport(report, folder, '2026-01-02'), 'utf8')).toMatch(/not measured.*\*\*missed\*\*/)
  })

  test('ratios come first, and every chart that is shown is there', () => {
    const markdown = readFileSync(writeReport(report, folder, '2026-01-02'), 'utf8')
    expect(markdown.indexOf('## Ratios')).toBeLessThan(markdown.indexOf('## Relay'))
    const charts = [...markdown.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(match => match[1] ?? '')
    expect(charts).toEqual(['2026-01-02/01-rate.svg'])
    for (const chart of charts)
      expect(readFileSync(join(folder, chart), 'utf8')).toMatch(
        /^<svg [^>]*aria-label="Relay &amp; co: calls per second">/,
      )
  })
})
