import { afterEach, beforeEach, expect, test } from 'vitest'
import { newAccountRow } from '../../accounts/account.ts'
import { CLIENT } from '../../accounts/accounts.testing.ts'
import { OPERATOR, originOf } from '../../accounts/actor.ts'
import { HOUR } from '../../base/clock.ts'
import { rawOf } from '../../store/store.testing.ts'
import { testRoutes } from './routes.testing.ts'

const REQUESTS = 10_000
const PEOPLE = 500

let at: ReturnType<typeof testRoutes>
beforeEach(() => {
  at = testRoutes({
    mail: {
      server: { host: 'localhost', port: 25, tls: 'none', auth: null },
      from: { address: 'login@porch.example', name: null },
    },
  })
})
afterEach(() => at.close())

test('ASVS 6.3.8 10,000 requests for a reset link from 1,000 networks in an hour: each answered alike, five mails an address, and one code that works', async () => {
  for (let n = 0; n < PEOPLE; n++) {
    const row = newAccountRow({ email: `p${n}@example.org`, name: `P ${n}`, roles: ['user'] }, at.wall())
    await at.store.accounts.create({ ...row, passwordSealed: 'x' }, originOf(OPERATOR, '', at.wall()))
  }
  const statuses = new Map<string, Set<number>>([
    ['known', new Set()],
    ['unknown', new Set()],
  ])
  for (let n = 0; n < REQUESTS; n++) {
    at.pass(HOUR / REQUESTS)
    const kind = n % 2 === 0 ? 'known' : 'unknown'
    const email = kind === 'known' ? `p${(n / 2) % PEOPLE}@example.org` : `nobody${n}@example.org`
    const network = `198.18.${Math.floor((n % 1000) / 250)}.${(n % 250) + 1}`
    const answer = await at.browser({ ...CLIENT, network }).post('/auth/password/forgot', { email })
    statuses.get(kind)?.add(answer.status)
  }
  expect(statuses.get('known')).toEqual(statuses.get('unknown'))
  const count = (sql: string) => rawOf(at.store).prepare(sql).pluck().get() as number
  expect(count('select max(n) from (select count(*) as n from mails group by address_key)')).toBeLessThanOrEqual(5)
  expect(count('select count(*) from mails')).toBeLessThanOrEqual(5 * PEOPLE)
  expect(count("select count(*) from mails where address_key like 'nobody%'")).toBe(0)
  const open = 'select count(*) as n from codes where used_at is null group by user_id'
  expect(count(`select max(n) from (${open})`)).toBe(1)
}, 300_000)
