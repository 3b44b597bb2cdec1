import {
  always,
  alwaysEach,
  judged,
  met,
  notApplicable,
  notMet,
  proven,
  type Requirement,
  untold,
} from './requirement.ts'
import { names, overHttps, withAddresses, withOwnPages, withUpstreams } from './conditions.ts'

const YEAR_SECONDS = 31_536_000
const PASSED_ON = 'Configure the proxy to keep our response headers.'

/** ASVS 5.0.0, chapters 1 to 5 and 17: encoding, validation, the browser, HTTP, files, WebRTC. */
export const BROWSER: Requirement[] = [
  proven('1.1.1', 'Input is decoded once, before it is used.', 'BBA-14'),
  ...alwaysEach(
    '1.2.6 1.2.7 1.2.8 1.3.8 1.3.9',
    'No injection into LDAP, XPath, LaTeX, JNDI or memcached.',
    notApplicable('None of these is used'),
  ),
  always('1.3.1', 'HTML that people write is sanitised.', notApplicable('Nobody writes HTML')),
  proven('1.3.6', 'The server cannot be made to call other addresses.', 'BBA-13'),
  always('1.5.1', 'XML parsers load nothing from elsewhere.', notApplicable('No XML is read')),
  proven('2.4.1', 'Calls cannot be repeated without limit.', 'ASVS 6.3.1'),
  proven('3.2.1', 'Nothing is shown as something else than it is.', 'ASVS 3.4.4', 'ASVS 3.5.8'),
  judged('3.3.1', 'Cookies are Secure and have a prefix.', facts =>
    overHttps(facts, () => met('Secure, with __Host- or __Host-Http-', 'BBA-4', 'BBA-7')),
  ),
  proven('3.3.2', 'Each cookie says its SameSite.', 'CK-7'),
  judged('3.3.3', 'Cookies belong to this host alone.', facts =>
    overHttps(facts, () => met('__Host- or __Host-Http-', 'BBA-7')),
  ),
  proven('3.3.4', 'Scripts cannot read session cookies.', 'BBA-4'),
  proven('3.3.5', 'A cookie has at most 4096 bytes.', 'CK-4'),
  judged('3.4.1', 'Browsers are told to use https alone, for a year at least.', facts =>
    overHttps(facts, () => {
      const sent = facts.headers?.get('strict-transport-security') ?? null
      if (facts.headers === null) return met('Sent with every answer', 'ASVS 3.4.1')
      return Number(/max-age=(\d+)/.exec(sent ?? '')?.[1] ?? 0) >= YEAR_SECONDS
        ? met(`Seen through the public URL: ${sent}`, 'ASVS 3.4.1')
        : notMet('The proxy removes or shortens Strict-Transport-Security', PASSED_ON)
    }),
  ),
  proven('3.4.2', 'CORS approves no origin that is not listed.', 'BBA-12'),
  judged('3.4.3', 'A policy lets pages load and run only what is theirs.', facts =>
    withOwnPages(facts, () => met('A nonce for each response, and no other origins', 'ASVS 3.4.3', 'HD-2')),
  ),
  judged('3.4.4', 'No answer may be sniffed for its type.', ({ headers }) =>
    headers !== null && headers.get('x-content-type-options') !== 'nosniff'
      ? notMet('The proxy removes X-Content-Type-Options', PASSED_ON)
      : met('nosniff with every answer', 'ASVS 3.4.4'),
  ),
  proven('3.4.5', 'Addresses do not leak as referrers.', 'OA-21'),
  proven('3.4.6', 'No answer can be framed.', 'ASVS 3.4.6'),
  always(
    '3.4.7',
    'The policy names where violations are reported.',
    notMet(
      'It names none, because nobody would read them here',
      'Add report-to at your proxy, if you collect reports.',
    ),
  ),
  proven('3.4.8', 'Pages are apart from windows of other origins.', 'ASVS 3.4.8'),
  proven('3.5.1', 'Requests that change something must come from this site.', 'ASVS 3.5.1', 'BBA-9'),
  proven('3.5.2', 'That does not rest on preflights.', 'CS-8'),
  proven('3.5.3', 'Safe methods change nothing.', 'CS-6'),
  judged('3.5.4', 'Separate applications have hosts of their own.', facts => {
    const documents = facts.config.upstreams.filter(({ document }) => document)
    return documents.length === 0
      ? met('No other application has pages on this origin')
      : notMet(
          `${names(documents.map(({ name }) => name))}: its pages run scripts on this origin`,
          'Give it a host of its own, unless you trust it as you trust this site.',
        )
  }),
  proven('3.5.7', 'Scripts hold nobody’s data.', 'BBA-3'),
  proven('3.5.8', 'Other origins cannot embed what is ours.', 'ASVS 3.5.8'),
  judged('3.6.1', 'What pages load from elsewhere is checked.', facts =>
    withOwnPages(facts, () => met('They load nothing from elsewhere', 'HD-2')),
  ),
  proven('3.7.2', 'Redirects lead to this site, or to hosts that are listed.', 'OA-1'),
  judged('3.7.4', 'The domain is on the preload list of browsers.', facts =>
    overHttps(facts, () => untold('Ask hstspreload.org for your domain.')),
  ),
  proven('4.1.1', 'Every body says its type and charset.', 'ASVS 4.1.1'),
  always('4.1.2', 'Only pages redirect from http to https.', untold('That is your proxy: try http on an API.')),
  judged('4.1.3', 'Clients cannot set what a proxy says.', facts =>
    withAddresses(facts, () => met('Only trusted proxies are believed', 'ASVS 4.1.3')),
  ),
  judged('4.1.4', 'Only methods that exist are let through.', facts =>
    withUpstreams(facts, all => {
      const any = all.filter(({ methods }) => methods === null)
      return any.length === 0
        ? met('Ours are fixed, and every upstream has a list', 'BBA-15')
        : notMet(`${names(any.map(({ name }) => name))}: takes any method`, 'List those that it has in methods.')
    }),
  ),
  proven('4.2.1', 'Nobody can smuggle a request.', 'ASVS 4.2'),
  proven('4.2.2', 'Lengths that are sent are true.', 'ASVS 4.2'),
  ...alwaysEach(
    '4.2.3 4.2.4',
    'HTTP/2 headers are clean.',
    notApplicable('HTTP/2 ends at your proxy; only HTTP/1.1 is spoken here'),
  ),
  proven('4.2.5', 'No address or header is built from what clients send.', 'BBA-13'),
  ...alwaysEach(
    '4.3.1 4.3.2',
    'GraphQL is bounded.',
    notApplicable('There is none here; that of an upstream is its own'),
  ),
  judged('4.4.1', 'WebSockets are encrypted.', facts =>
    facts.config.upstreams.some(({ websocket }) => websocket)
      ? overHttps(facts, () => met('They use the public URL, which is https'))
      : notApplicable('No upstream has WebSockets'),
  ),
  judged('4.4.2', 'A WebSocket handshake checks its origin.', ({ config }) =>
    config.upstreams.some(({ websocket }) => websocket)
      ? met('By construction', 'ASVS 4.4.2')
      : notApplicable('No upstream has WebSockets'),
  ),
  ...alwaysEach(
    '4.4.3 4.4.4',
    'Tokens of WebSockets come from the session.',
    notApplicable('They use the session itself'),
  ),
  ...alwaysEach(
    '5.1.1 5.2.1 5.2.2 5.2.3 5.2.4 5.2.5 5.2.6 5.3.1 5.3.2 5.3.3 5.4.1 5.4.2 5.4.3',
    'Files that people send are handled with care.',
    notApplicable('No file is kept here; uploads are for upstreams'),
  ),
  ...alwaysEach(
    '17.1.1 17.1.2 17.2.1 17.2.2 17.2.3 17.2.4 17.2.5 17.2.6 17.2.7 17.2.8 17.3.1 17.3.2',
    'WebRTC servers are safe.',
    notApplicable('There is none'),
  ),
]
