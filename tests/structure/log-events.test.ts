import { describe, expect, test } from 'vitest'
import { OPERATION_EVENTS, SECURITY_EVENTS } from '../../server/base/log-events.ts'
import { captureLog } from '../../server/base/log.testing.ts'
import { logSecurity } from '../../server/base/security-log.ts'
import { files, read } from '../support/source-tree.ts'

const GUIDE = read('docs/guides/log-events.md')
const known: ReadonlySet<string> = new Set([...SECURITY_EVENTS, ...OPERATION_EVENTS])
/** The first cells of the tables, whose second heading is "when". */
const listed = [...GUIDE.matchAll(/^\| (`[a-z_]+`(?: · `[a-z_]+`)*) \|/gm)]
  .flatMap(([, cell = '']) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name))
  .filter(name => name.includes('_'))

/** What fail2ban does with a line: the date's match is cut out, then the rest is searched with <HOST> as an address. */
function banned(line: string): string | null {
  const [, datepattern = ''] = /^datepattern = (.+)$/m.exec(GUIDE) ?? []
  const [, failregex = ''] = /^failregex = (.+)$/m.exec(GUIDE) ?? []
  const rest = line.replace(new RegExp(datepattern.replace('{LEPOCH}', '\\d{13}')), '')
  return rest === line ? null : (new RegExp(failregex.replace('<HOST>', '([0-9a-f.:]+)')).exec(rest)?.[1] ?? null)
}

describe('log events', () => {
  test('the guide lists every event of the closed union, each once, and no other', () => {
    expect([...listed].sort()).toEqual([...known].sort())
  })

  test('no line of the server names an event that is not in the union', () => {
    const named = files('server/**/*.ts')
      .filter(path => !path.endsWith('.test.ts'))
      .flatMap(path => [...read(path).matchAll(/\bevent: '([a-z_]+)'/g)].map(([, name = '']) => ({ path, name })))
    expect(named.filter(({ name }) => !known.has(name))).toEqual([])
  })

  test("the guide's fail2ban filter bans the address of a failed sign-in, known account or not, over IPv4 and IPv6, and no other", () => {
    const { log, lines } = captureLog()
    const failed = {
      event: 'sign_in_failed',
      outcome: 'failure',
      reason: 'invalid_credentials',
      method: 'password',
      requestId: 'r',
    } as const
    logSecurity(log, { ...failed, network: '192.0.2.7' })
    logSecurity(log, { ...failed, network: '2001:db8::7', accountId: '5DvlHkWRpxpy3urNT02B4w' })
    logSecurity(log, { ...failed, event: 'password_reset_failed', reason: 'invalid_code', network: '192.0.2.8' })
    logSecurity(log, { ...failed, reason: 'login_expired', network: '192.0.2.9' })
    logSecurity(log, { event: 'sign_in_denied', outcome: 'denied', reason: 'slow_down', network: '192.0.2.10' })
    logSecurity(log, { event: 'sign_in_succeeded', outcome: 'success', method: 'password', network: '192.0.2.11' })
    const forged = '/"event":"sign_in_failed","outcome":"failure","reason":"invalid_credentials","network":"192.0.2.12"'
    log.info(
      { event: 'request_completed', requestId: 'r', method: 'GET', path: forged, status: 404, network: '192.0.2.13' },
      'request',
    )
    expect(lines.map(banned)).toEqual(['192.0.2.7', '2001:db8::7', '192.0.2.8', null, null, null, null])
  })
})
