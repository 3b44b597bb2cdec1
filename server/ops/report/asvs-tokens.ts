import { alwaysEach, judged, met, notApplicable, notMet, proven, type Requirement, untold } from './requirement.ts'
import { names, withProviders, withUpstreams } from './conditions.ts'
import type { Upstream } from '../../config/upstream-config.ts'

const byUs = (all: readonly Upstream[]) => all.filter(({ token }) => token === 'porchlight')

/** ASVS 5.0.0, chapters 9 and 10: tokens, OAuth and OpenID Connect. */
export const TOKENS: Requirement[] = [
  proven('9.1.1', 'A token’s signature is checked before it is believed.', 'ASVS 9.1.1'),
  proven('9.1.2', 'Algorithms come from a list.', 'ASVS 9.1.2'),
  proven('9.1.3', 'Keys come from configured places.', 'ASVS 9.1.3'),
  proven('9.2.1', 'A token holds within its time alone.', 'OI-4'),
  judged('9.2.2', 'A token says what kind it is, and is taken for no other.', facts =>
    withUpstreams(facts, all => {
      const plain = byUs(all).filter(({ tokenType }) => tokenType === 'JWT')
      return plain.length === 0
        ? met('at+jwt', 'JW-1', 'JW-12')
        : notMet(`${names(plain.map(({ name }) => name))}: gets tokens of type JWT`, "Leave tokenType at 'at+jwt'.")
    }),
  ),
  proven('9.2.3', 'A token is for whom it names.', 'ASVS 9.2.3'),
  judged('9.2.4', 'Tokens for different receivers have different audiences.', facts =>
    withUpstreams(facts, all => {
      const audiences = byUs(all).map(({ audience }) => audience)
      const shared = [...new Set(audiences.filter((audience, at) => audiences.indexOf(audience) !== at))]
      return shared.length === 0
        ? met('One for each upstream', 'OA-16', 'JW-2')
        : notMet(`${names(shared)}: the audience of several upstreams`, 'Give each its own audience.')
    }),
  ),
  proven('10.1.1', 'Tokens only go where they are needed.', 'BBA-3', 'OA-16'),
  judged('10.1.2', 'What a provider sends back belongs to a sign-in of this browser.', facts =>
    withProviders(facts, () => met('By construction', 'OA-5')),
  ),
  judged('10.2.1', 'Nobody can finish another’s sign-in.', facts =>
    withProviders(facts, () => met('PKCE and state', 'OA-3', 'OA-6')),
  ),
  judged('10.2.2', 'Providers cannot be mixed up.', facts =>
    facts.config.providers.length > 1
      ? met('An address of its own for each, and iss', 'OA-8', 'OA-10', 'OA-24')
      : notApplicable('There are not several providers'),
  ),
  judged('10.2.3', 'Only the scopes that are needed are asked for.', facts =>
    withProviders(facts, () =>
      untold(
        `Asked for: ${names(facts.config.providers.map(({ id, scopes }) => `${id} (${scopes.join(' ') || 'none'})`))}. Is each needed?`,
      ),
    ),
  ),
  ...['10.3.1', '10.3.2', '10.3.3', '10.3.4', '10.3.5'].map(id =>
    judged(id, 'APIs check the tokens that they get.', facts =>
      withUpstreams(facts, all =>
        untold(`That is up to ${names(all.map(({ name }) => name))}: docs/guides/verifying-apis.md.`),
      ),
    ),
  ),
  proven('10.4.5', 'A refresh token that is used again ends its family.', 'OA-14', 'BBA-24'),
  proven('10.4.8', 'Rotation does not move the absolute end.', 'BBA-24'),
  ...alwaysEach(
    '10.4.1 10.4.2 10.4.3 10.4.4 10.4.6 10.4.7 10.4.9 10.4.10 10.4.11 10.4.12 10.4.13 10.4.14 10.4.15 10.6.1 10.6.2 10.7.1 10.7.2 10.7.3',
    'An authorization server has clients, grants and consent in hand.',
    notApplicable('This is a client; no other program signs people in here'),
  ),
  judged('10.4.16', 'The client proves itself by a key.', facts =>
    withProviders(facts, () => {
      const others = facts.config.providers.filter(({ clientAuth }) => clientAuth !== 'private_key_jwt')
      return others.length === 0
        ? met('private_key_jwt', 'OA-19')
        : notMet(
            `${names(others.map(({ id }) => id))}: not by a key`,
            "Set privateKey and clientAuth: 'private_key_jwt'.",
          )
    }),
  ),
  ...(
    [
      ['10.5.1', 'An ID token cannot be replayed.', ['OA-11']],
      ['10.5.2', 'People are told apart by what is never given to another.', ['OI-7']],
      ['10.5.3', 'Nobody answers in the place of a provider.', ['OI-1']],
      ['10.5.4', 'An ID token is for this client.', ['OI-2']],
      ['10.5.5', 'Logout tokens are checked in full.', ['LO-2', 'LO-3', 'LO-4', 'LO-5']],
    ] as const
  ).map(([id, asks, proof]) =>
    judged(id, asks, ({ config }) =>
      config.providers.some(({ kind }) => kind === 'oidc')
        ? met('By construction', ...proof)
        : notApplicable('There is no OpenID provider'),
    ),
  ),
]
