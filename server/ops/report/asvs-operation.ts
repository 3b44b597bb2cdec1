import { DAY } from '../../base/clock.ts'
import { isLoopback } from '../../config/address.ts'
import { always, judged, met, notMet, proven, type Requirement, untold } from './requirement.ts'
import { days, names, withAddresses, withOwnPages, withUpstreams } from './conditions.ts'

/** The schedule is checked once a day. */
const SLACK = 2 * DAY

/** ASVS 5.0.0, chapters 13 to 16: configuration, data, code, logs and failures. */
export const OPERATION: Requirement[] = [
  judged('13.2.1', 'Upstreams can tell that a request is from here.', facts =>
    withUpstreams(facts, all => {
      const bare = all.filter(({ token, tls }) => token === 'none' && (tls?.client ?? null) === null)
      return bare.length === 0
        ? met('By a token or a certificate', 'JW-2')
        : notMet(
            `${names(bare.map(({ name }) => name))}: gets neither a token nor a certificate`,
            'Give it one, or let nobody else reach it.',
          )
    }),
  ),
  proven('13.2.4', 'The server only calls what is configured.', 'BBA-13'),
  proven('13.2.5', 'That is a list.', 'BBA-13'),
  judged('13.3.2', 'Only who needs a secret can read it.', ({ exposures }) =>
    exposures.length === 0
      ? met('Keys and data can only be read by their owner')
      : notMet(exposures.join('; '), 'Run porchlight doctor, which names the command.'),
  ),
  always(
    '13.3.3',
    'Keys are used inside a module of their own.',
    notMet('They are in the memory of this process', 'Keep signingKeys in a file with other permissions, at least.'),
  ),
  judged('13.3.4', 'Secrets are replaced in time.', ({ signingKeyMadeAt, now, config }) => {
    if (signingKeyMadeAt === null) return untold('There are no signing keys that could be read.')
    const age = now - signingKeyMadeAt
    return age <= config.signingRotationMs + SLACK
      ? met(
          `Signing keys: the newest is ${days(age)} old, and replaced after ${days(config.signingRotationMs)}`,
          'JW-16',
        )
      : notMet(
          `The signing key is ${days(age)} old`,
          'Start the server, which replaces it, or replace it where you keep it.',
        )
  }),
  proven('13.4.1', 'Nothing of version control is served.', 'ASVS 13.4'),
  judged('13.4.2', 'Nothing for debugging is on.', ({ config, nodeEnv }) => {
    const on = [
      ...(nodeEnv === 'development' || nodeEnv === 'test' ? [`NODE_ENV is ${nodeEnv}`] : []),
      ...(config.logLevel === 'debug' ? ['the log level is debug'] : []),
      ...(config.testSignIn === null ? [] : ['PORCHLIGHT_TEST_SIGN_IN is set']),
    ]
    return on.length === 0 ? met('Nothing found') : notMet(on.join('; '), 'Unset that where other people sign in.')
  }),
  proven('13.4.3', 'No folder is listed.', 'ASVS 13.4'),
  proven('13.4.4', 'TRACE is refused.', 'ASVS 13.4'),
  judged('13.4.5', 'Metrics are for those who need them.', ({ config }) =>
    config.metrics === null || isLoopback(config.metrics.host)
      ? met('Off, or on this machine alone')
      : untold(
          `Metrics listen on ${config.metrics.host}, port ${config.metrics.port}. Only your monitoring may reach that.`,
        ),
  ),
  proven('13.4.6', 'Nobody is told the exact version.', 'ASVS 13.4.6'),
  proven('13.4.7', 'Only files of the site are served.', 'ASVS 13.4'),
  proven('14.2.1', 'No secret is in an address.', 'BBA-2'),
  proven('14.2.2', 'No cache keeps what is somebody’s.', 'HD-10', 'ASVS 14.3.2'),
  judged('14.2.3', 'Nothing is sent to others.', facts =>
    withOwnPages(facts, () => met('Pages reach no other origin', 'HD-2')),
  ),
  proven('14.2.4', 'Sensitive data is handled as its level asks.', 'ASVS 14.2.4'),
  proven('14.2.5', 'Caches cannot be deceived.', 'ASVS 14.2.5'),
  judged('14.3.1', 'Signing out clears what the browser keeps.', facts =>
    withOwnPages(facts, () => met('Clear-Site-Data', 'HD-11')),
  ),
  judged('14.3.2', 'Browsers do not store what is somebody’s.', ({ headers }) =>
    headers !== null && !/no-store/.test(headers.get('cache-control') ?? '')
      ? notMet('The proxy changes Cache-Control', 'Configure the proxy to keep our response headers.')
      : met('no-store', 'ASVS 14.3.2'),
  ),
  judged('14.3.3', 'Nothing sensitive is in the storage of the browser.', facts =>
    withOwnPages(facts, () => met('By construction', 'BBA-3')),
  ),
  judged('15.2.3', 'Only what is needed is there.', ({ config }) => {
    const sample = config.demo && config.loopback && config.upstreams.length === 0
    return sample
      ? notMet('The sample runs', 'It ends with your first upstream, or set PORCHLIGHT_DEMO=false.')
      : met('No sample and no demonstrations')
  }),
  judged('15.3.4', 'The address of a client is passed on, and cannot be forged.', facts =>
    withAddresses(facts, () => met('Only trusted proxies may name it', 'BBA-22', 'OA-13')),
  ),
  proven('16.1.1', 'Log lines have one format, which is documented.', 'ASVS 16.1.1'),
  proven('16.2.1', 'They say when, where, who and what.', 'ASVS 16.2.1'),
  always(
    '16.2.2',
    'Clocks are synchronised, and times have a zone.',
    untold('Times are UTC. Is the clock kept by NTP?'),
  ),
  proven('16.2.4', 'Programs can read them.', 'ASVS 16.1.1'),
  proven('16.2.5', 'They hold no secret.', 'ASVS 16.2.5'),
  proven('16.3.1', 'Sign-ins are logged.', 'ASVS 16.3.1'),
  proven('16.3.2', 'So is what is refused.', 'ASVS 16.3.2'),
  proven('16.3.3', 'So are attempts to get around checks.', 'ASVS 16.3.3'),
  proven('16.4.1', 'Nobody can forge a log line.', 'ASVS 16.4.1'),
  always(
    '16.4.2',
    'Logs cannot be read or changed by others.',
    untold('They go to standard output. Look at what keeps them.'),
  ),
  always(
    '16.4.3',
    'Logs are sent to another system.',
    untold('They go to standard output. Look at what collects them.'),
  ),
  proven('16.5.1', 'Errors tell nothing of the inside.', 'ASVS 16.5.1'),
  proven('16.5.2', 'Failures of others are survived.', 'ASVS 16.5.2'),
  proven('16.5.3', 'What fails, fails closed.', 'ASVS 16.5.3'),
]
