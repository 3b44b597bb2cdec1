import { DAY } from '../../base/clock.ts'
import { isRestricted } from '../../config/upstream-config.ts'
import { judged, met, notMet, proven, type Requirement, untold } from './requirement.ts'
import { days, names, withProviders, withUpstreams } from './conditions.ts'

/** NIST SP 800-63B-4 §2.1.3: without a second factor, people sign in again after 30 days at the latest. */
const LONGEST = 30 * DAY

/** ASVS 5.0.0, chapters 7 and 8: sessions and authorization. */
export const SESSIONS: Requirement[] = [
  proven('7.2.1', 'Sessions are verified on the server.', 'ASVS 7.4.1'),
  proven('7.2.2', 'What stands for a session is made for it.', 'CS-11'),
  proven('7.2.4', 'Signing in makes new tokens, and ends the old ones.', 'ASVS 7.2.4'),
  judged('7.3.1', 'Sessions end when nobody uses them.', ({ config }) =>
    config.idleMs <= LONGEST
      ? met(`After ${days(config.browserIdleMs)}, or ${days(config.idleMs)} if remembered`, 'OA-15')
      : notMet(
          `Remembered ones only after ${days(config.idleMs)}`,
          'Set PORCHLIGHT_IDLE_SECONDS to a few weeks at most.',
        ),
  ),
  judged('7.3.2', 'Sessions end however much they are used.', ({ config }) =>
    config.absoluteMs <= LONGEST
      ? met(`After ${days(config.absoluteMs)}`, 'NI-14')
      : notMet(
          `Only after ${days(config.absoluteMs)}, and NIST allows ${days(LONGEST)}`,
          'Set PORCHLIGHT_ABSOLUTE_SECONDS to 2592000 at most.',
        ),
  ),
  proven('7.4.1', 'A session that has ended cannot be used any more.', 'ASVS 7.4.1'),
  proven('7.4.2', 'Disabling an account ends its sessions.', 'ASVS 7.4.2'),
  proven('7.4.3', 'A new password ends the other sessions.', 'ASVS 7.4.3'),
  proven('7.4.5', 'Administrators can end sessions.', 'ASVS 7.4.5'),
  proven('7.5.1', 'Changes to how one signs in need a recent sign-in.', 'ASVS 7.5.1'),
  proven('7.5.2', 'People see their sessions, and can end them.', 'ASVS 7.5.2'),
  proven('7.5.3', 'So do invitations and roles that give power.', 'ASVS 7.5.1'),
  judged('7.6.1', 'Sessions here and at the provider end together, as documented.', facts =>
    withProviders(facts, () => {
      const { recheckMs, providers } = facts.config
      const never = providers.filter(provider => (provider.recheckMs ?? recheckMs) === 0)
      return never.length === 0
        ? met('Back-channel logout, and regular checks', 'LO-6')
        : notMet(
            `${names(never.map(({ id }) => id))}: people are only checked when they sign in`,
            'Set PORCHLIGHT_RECHECK_SECONDS to 900.',
          )
    }),
  ),
  judged('8.2.1', 'Functions are for those who are allowed.', facts =>
    withUpstreams(facts, all => {
      const open = all.filter(({ requires }) => !isRestricted(requires))
      return open.length === 0
        ? met('Every upstream says who may come')
        : untold(
            `${names(open.map(({ name }) => name))}: anonymous requests pass. That is right if it checks tokens itself.`,
          )
    }),
  ),
  judged('8.3.2', 'A change of what somebody may do holds at once.', ({ config }) => {
    const late = config.providers.filter(
      ({ roles, recheckMs }) => roles !== null && (recheckMs ?? config.recheckMs) === 0,
    )
    return late.length === 0
      ? met('In open connections, too', 'ASVS 7.4.2', 'NI-21')
      : notMet(
          `${names(late.map(({ id }) => id))}: its roles are only read when somebody signs in`,
          'Set PORCHLIGHT_RECHECK_SECONDS to 900.',
        )
  }),
]
