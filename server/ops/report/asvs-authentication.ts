import { always, alwaysEach, judged, met, notApplicable, notMet, type Requirement, untold } from './requirement.ts'
import { names, withAddresses, withPasswords, withProviders } from './conditions.ts'

const LEAST = 8
const ADVISED = 15
const NO_MAIL = 'Set PORCHLIGHT_MAIL_URL (docs/guides/mail.md).'

/** ASVS 5.0.0, chapter 6: authentication. */
export const AUTHENTICATION: Requirement[] = [
  judged('6.2.1', 'Passwords have 8 characters at least; 15 are advised.', facts =>
    withPasswords(facts, () => {
      const { passwordMinLength: least } = facts.config
      if (least >= ADVISED) return met(`At least ${least}`, 'ASVS 6.2.1')
      return least >= LEAST
        ? met(`At least ${least}; ${ADVISED} are advised where a password is all it takes`, 'ASVS 6.2.1')
        : notMet(`At least ${least}`, `Set PORCHLIGHT_PASSWORD_MIN_LENGTH to ${ADVISED}.`)
    }),
  ),
  judged('6.2.2', 'People can change their password.', facts =>
    withPasswords(facts, () => met('Under Account', 'ASVS 6.2.3')),
  ),
  ...(
    [
      ['6.2.3', 'That needs the current one.', 'ASVS 6.2.3'],
      ['6.2.4', 'Common passwords are refused.', 'ASVS 6.2.4'],
      ['6.2.5', 'No rules of composition.', 'ASVS 6.2.5'],
      ['6.2.7', 'Passwords can be pasted and filled in.', 'ASVS 6.2.7'],
      ['6.2.8', 'A password is checked exactly as typed.', 'ASVS 6.2.8'],
      ['6.2.9', '64 characters are possible.', 'ASVS 6.2.9'],
      ['6.2.11', 'Names of the person and the site make no password.', 'NI-5'],
      ['6.3.8', 'Nobody can find out who has an account.', 'ASVS 6.3.8'],
    ] as const
  ).map(([id, asks, proof]) => judged(id, asks, facts => withPasswords(facts, () => met('By construction', proof)))),
  judged('6.2.12', 'Passwords that were leaked are refused.', facts =>
    withPasswords(facts, () =>
      facts.config.breachedPasswords === null
        ? met('Those on a list of common ones; PORCHLIGHT_BREACHED_PASSWORDS adds all that are known', 'ASVS 6.2.12')
        : met('By a service of leaked passwords, and a list of common ones', 'ASVS 6.2.12'),
    ),
  ),
  judged('6.3.1', 'Guessing and trying leaked passwords is slowed.', facts =>
    withAddresses(facts, () => met('By account and by network', 'ASVS 6.3.1')),
  ),
  judged('6.3.2', 'There are no default accounts.', ({ config }) =>
    config.testSignIn === null
      ? met('The first account takes a one-time code', 'ASVS 6.3.2')
      : notMet('Whoever knows PORCHLIGHT_TEST_SIGN_IN is anybody', 'Unset it, except where tests of an app run.'),
  ),
  judged('6.3.3', 'A second factor is required.', facts =>
    withPasswords(facts, () => {
      const { secondFactor } = facts.config
      if (secondFactor === 'required') return met('Of everybody', 'ASVS 6.3.3')
      return notMet(
        secondFactor === 'admins' ? 'Only of administrators' : 'People choose whether they have one',
        'Set PORCHLIGHT_SECOND_FACTOR to required.',
      )
    }),
  ),
  judged('6.3.4', 'Every way to sign in is as strong as the others.', ({ config }) => {
    const trusted = config.providers.filter(({ secondFactor }) => secondFactor === 'trust').map(({ id }) => id)
    return trusted.length === 0
      ? met('Links, invitations and providers get around no second factor', 'ASVS 6.3.4')
      : untold(`${names(trusted)} is trusted with second factors. See that it asks for one.`)
  }),
  judged('6.3.5', 'People are told of suspicious attempts.', ({ config }) =>
    config.mail === null
      ? notMet('They only find them in their security log', NO_MAIL)
      : met('By mail: a sign-in from a new device, a locked password, a copied session', 'ASVS 6.3.7'),
  ),
  judged('6.3.7', 'People are told when what they sign in with was changed.', ({ config }) =>
    config.mail === null
      ? notMet('They only find it in their security log', NO_MAIL)
      : met('By mail, and in their security log', 'ASVS 6.3.7'),
  ),
  judged('6.4.4', 'Whoever has lost a factor proves who they are as well as at the start.', facts =>
    withPasswords(facts, () =>
      untold(
        'An administrator removes lost factors after looking at who asks. The person is told, and needs the password.',
      ),
    ),
  ),
  ...(
    [
      ['6.5.1', 'Codes work once.'],
      ['6.5.2', 'Recovery codes are kept as salted hashes.'],
      ['6.5.4', 'Codes are random enough.'],
      ['6.5.6', 'A lost factor can be revoked.'],
    ] as const
  ).map(([id, asks]) => judged(id, asks, facts => withPasswords(facts, () => met('By construction', `ASVS ${id}`)))),
  always('6.4.2', 'No secret questions.', notApplicable('There are none')),
  ...alwaysEach('6.6.1 6.6.4', 'Codes by telephone or push are safe.', notApplicable('There are none')),
  judged('6.8.1', 'No provider can speak for the people of another.', facts =>
    withProviders(facts, () => met('Accounts are issuer and subject', 'OI-7', 'OA-24')),
  ),
  judged('6.8.2', 'What a provider says is signed, and the signature checked.', facts =>
    withProviders(facts, () => {
      const plain = facts.config.providers.filter(({ kind }) => kind === 'oauth2')
      return plain.length === 0
        ? met('ID tokens are checked', 'OI-3')
        : met(`ID tokens are checked; ${plain.map(({ id }) => id).join(', ')} answers over TLS instead`, 'OI-3', 'OI-8')
    }),
  ),
  always('6.8.3', 'SAML assertions work once.', notApplicable('SAML is not spoken')),
  judged('6.8.4', 'What is expected of a sign-in at a provider is checked.', facts =>
    withProviders(facts, () => met('auth_time, where a recent sign-in is needed', 'OI-5')),
  ),
]
