import { judged, met, notApplicable, notMet, proven, type Requirement } from './requirement.ts'
import { names, overHttps, withAddresses, withProviders, withUpstreams } from './conditions.ts'

/** OAuth 2.0 for Browser-Based Applications, the BFF pattern. @see RFC 10017 (BCP 212) §6.1 · docs/standards.md */
export const BFF: Requirement[] = [
  judged('BBA-1', 'The server is a confidential client, and its secret stays with it.', facts =>
    withProviders(facts, () => {
      const open = facts.config.providers.filter(({ clientAuth }) => clientAuth === 'none')
      return open.length === 0
        ? met('Every provider gets proof of who asks', 'BBA-1')
        : notMet(
            `${names(open.map(({ id }) => id))}: asks as a public client`,
            'Register a confidential client there, and give its secret or key.',
          )
    }),
  ),
  proven('BBA-2', 'Authorization codes only; no token is ever in an address.', 'BBA-2'),
  proven('BBA-3', 'No token is within reach of scripts.', 'BBA-3'),
  judged('BBA-4', 'Every cookie is Secure and HttpOnly.', facts =>
    overHttps(facts, () => met('Cookies are Secure and HttpOnly', 'BBA-4')),
  ),
  proven('BBA-6', 'Cookies have the path / and no domain.', 'BBA-6'),
  judged('BBA-7', 'Names of cookies begin with a prefix that browsers enforce.', facts =>
    overHttps(facts, () => met('__Host- and __Host-Http-', 'BBA-7')),
  ),
  proven('BBA-8', 'What a cookie holds cannot be read.', 'BBA-8'),
  proven('BBA-9', 'Requests forged by other sites fail, those of sibling hosts too.', 'BBA-9'),
  proven('BBA-10', 'They get 403, and change nothing.', 'BBA-10'),
  proven('BBA-12', 'CORS approves no other origin.', 'BBA-12'),
  proven('BBA-13', 'Upstreams come from a list; no request can name another.', 'BBA-13'),
  judged('BBA-14', 'Escaped characters do not leave the prefix of a route.', facts =>
    withUpstreams(facts, all => {
      const loose = all.filter(({ encodedPaths }) => encodedPaths)
      return loose.length === 0
        ? met('Paths that could be read in two ways are refused', 'BBA-14')
        : notMet(
            `${names(loose.map(({ name }) => name))}: takes escaped slashes, which it may read differently`,
            'Leave encodedPaths away, unless it needs them.',
          )
    }),
  ),
  judged('BBA-15', 'A route lists its methods.', facts =>
    withUpstreams(facts, all => {
      const any = all.filter(({ methods }) => methods === null)
      return any.length === 0
        ? met('Every upstream has a list', 'BBA-15')
        : notMet(`${names(any.map(({ name }) => name))}: takes any method`, 'List those that it has in methods.')
    }),
  ),
  proven('BBA-16', 'Our cookies are not forwarded.', 'BBA-16'),
  proven('BBA-17', 'Each request gets the token of its own session and upstream.', 'BBA-17'),
  proven('BBA-18', 'Asking who is signed in shows no token.', 'BBA-18'),
  proven('BBA-19', 'Signing in at a provider is a navigation.', 'BBA-19'),
  proven('BBA-20', 'An expired token costs one refresh.', 'BBA-20'),
  judged('BBA-21', 'A refresh token that the provider refuses ends what depends on it.', ({ config }) =>
    config.providers.length > 0 || config.tokenApi !== null
      ? met('By construction', 'BBA-21')
      : notApplicable('Nobody else issues tokens'),
  ),
  judged('BBA-22', 'Upstreams see the address of the client, and no forged one.', facts =>
    withAddresses(facts, () => met('Only trusted proxies may name it', 'BBA-22')),
  ),
  proven('BBA-24', 'Our refresh tokens rotate, and have an idle and an absolute end.', 'BBA-24'),
]
