import { expect, test } from 'vitest'
import { makeReport, STANDARDS } from './make-report.ts'
import { reportHtml } from './report-html.ts'
import { grouped, reportText } from './report-text.ts'
import { factsOf, GOOD, PROVIDER } from './report.testing.ts'

const hostile = { ...PROVIDER, id: 'open', issuer: 'https://open.example', clientAuth: 'none', clientSecret: undefined }
const report = makeReport(
  await factsOf({ ...GOOD, PROVIDERS: JSON.stringify([PROVIDER, hostile]) }, { exposures: ['<script>&"'] }),
  { level: 3, standards: STANDARDS },
)

test('text has every requirement, why, the tests that prove it, and what to do', () => {
  const text = reportText(report).join('\n')
  expect(text).toContain('Security report for https://porch.example, 2026-11-29T00:00:00.000Z, ASVS up to level 3')
  expect(text).toMatch(/^met +BBA-3 +No token is within reach of scripts\.\n +By construction \(tests: BBA-3\)$/m)
  expect(text).toMatch(/^NOT MET +BBA-1 +.*\n +open: asks as a public client\n +→ Register a confidential client/m)
  expect(text).toMatch(/^not applicable +5\.1\.1 to 5\.4\.3 /m)
  expect(text).toMatch(/^Not looked at, .*\(\d+\):\n {2}1\.1\.2 /m)
  const { met, not_met: missed } = report.counts
  expect(text).toContain(`Together: ${met} met, ${missed} not met`)
})

test('requirements are only put together if they are in a row and have one answer', () => {
  for (const { lines } of report.sections) {
    const labels = grouped(lines).map(({ label }) => label)
    expect(labels).toEqual([...new Set(labels)])
    expect(grouped(lines).length).toBeLessThanOrEqual(lines.length)
    expect(labels[0]).toContain(lines[0]?.id)
    expect(labels.at(-1)).toContain(lines.at(-1)?.id)
  }
})

test('HTML is one page with the same lines; it runs no script, loads nothing, and takes no text for markup', () => {
  const html = reportHtml(report)
  expect(html).toContain("default-src 'none'; style-src 'unsafe-inline'")
  expect(html).not.toMatch(/<script|<link|<img|url\(|@import| src=/)
  expect(html).toContain('&lt;script&gt;&amp;&quot;')
  for (const { lines } of report.sections)
    for (const { label } of grouped(lines)) expect(html).toContain(`<th scope="row">${label}</th>`)
})
