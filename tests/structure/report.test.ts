import { expect, test } from 'vitest'
import { BFF } from '../../server/ops/report/bff.ts'
import { ASVS } from '../../server/ops/report/make-report.ts'
import { files, read } from '../support/source-tree.ts'

const REPORT = files('server/ops/report/*.ts').filter(path => !/\.(?:test|testing)\.ts$/.test(path))
const ID = /'((?:BBA|OA|OI|LO|CK|CS|HD|NI|JW|UX)-\d+|ASVS \d+(?:\.\d+)+)'/g
/** A title is text in a test file that begins with ids and goes on in words. */
const TITLE = /['"`]((?:(?:[A-Z]{2,3}-\d+|ASVS \d+(?:\.\d+)+)[ ,:]+)+)[a-z`'"$%0-9]/gi
const proven = new Set(
  files('{server,web,module,tests}/**/*.test.ts')
    .flatMap(path => [...read(path).matchAll(TITLE)].map(([, ids = '']) => ids))
    .flatMap(ids => ids.match(/[A-Z]{2,3}-\d+|ASVS \d+(?:\.\d+)+/g) ?? []),
)

test('every id that the report names as a proof begins the title of a test', () => {
  const named = REPORT.filter(path => !path.endsWith('/bff.ts')).flatMap(path =>
    [...read(path).matchAll(ID)].map(([, id = '']) => id),
  )
  expect(named.length).toBeGreaterThan(100)
  expect([...new Set(named)].filter(id => !proven.has(id))).toEqual([])
})

test('what the report calls met without looking names its proof', () => {
  const facts = null as never
  const fixed = [...BFF, ...ASVS].filter(one => one.fixed).map(one => ({ id: one.id, outcome: one.judge(facts) }))
  const proofs = fixed.flatMap(({ id, outcome }) => (outcome.state === 'met' ? [{ id, proof: outcome.proof }] : []))
  expect(proofs.length).toBeGreaterThan(60)
  expect(proofs.filter(({ proof }) => proof.length === 0)).toEqual([])
  expect(proofs.flatMap(({ proof }) => proof).filter(id => !proven.has(id))).toEqual([])
})
