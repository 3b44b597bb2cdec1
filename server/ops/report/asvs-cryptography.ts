import { always, judged, met, notApplicable, notMet, proven, type Requirement, untold } from './requirement.ts'
import { names, overHttps, plainTargets, withPasswords, withUpstreams } from './conditions.ts'

/** ASVS 5.0.0, chapters 11 and 12: cryptography, and connections. */
export const CRYPTOGRAPHY: Requirement[] = [
  proven('11.2.2', 'Keys can be replaced, and data sealed again.', 'ASVS 11.2.2'),
  proven('11.3.2', 'Only approved ciphers are used: A256GCM.', 'ASVS 11.3.4'),
  proven('11.3.3', 'What is encrypted cannot be changed.', 'ASVS 11.3.4'),
  proven('11.3.4', 'No nonce is used twice under one key.', 'ASVS 11.3.4'),
  judged('11.4.2', 'Passwords are kept as slow hashes.', facts =>
    withPasswords(facts, () => met('argon2id', 'ASVS 11.4.2')),
  ),
  proven('11.5.1', 'What must not be guessed is random.', 'OA-4'),
  proven('11.6.1', 'Signatures use approved algorithms, and a key is for one.', 'JW-7', 'JW-8'),
  ...['12.1.1', '12.1.2', '12.1.4', '12.1.5', '12.2.2'].map(id =>
    judged(id, 'TLS is current, with a trusted certificate.', facts =>
      overHttps(facts, () =>
        untold(`That is your proxy. Test ${new URL(facts.config.publicUrl).host} with testssl.sh.`),
      ),
    ),
  ),
  always('12.1.3', 'Certificates of clients are verified.', notApplicable('Nobody signs in by certificate')),
  judged('12.2.1', 'Clients connect by TLS alone.', facts =>
    overHttps(facts, () => met('The public URL is https, and cookies need it', 'BBA-4')),
  ),
  judged('12.3.1', 'Every connection from here is encrypted.', ({ config }) => {
    const plain = plainTargets(config)
    return plain.length === 0
      ? met('TLS, or this machine', 'ASVS 12.3.2')
      : notMet(
          `${names(plain)}: plain http over a network`,
          'Use https, with tls: { ca } if the certificate is your own.',
        )
  }),
  proven('12.3.2', 'Certificates are verified before anything is sent.', 'ASVS 12.3.2'),
  judged('12.3.3', 'So are connections to upstreams.', facts =>
    withUpstreams(facts, () => {
      const plain = plainTargets({ ...facts.config, providers: [], tokenApi: null, mail: null })
      return plain.length === 0
        ? met('TLS, or this machine', 'ASVS 12.3.2')
        : notMet(
            `${names(plain)}: plain http over a network`,
            'Use https, with tls: { ca } if the certificate is your own.',
          )
    }),
  ),
  judged('12.3.5', 'Services inside prove who they are.', facts =>
    withUpstreams(facts, all => {
      const without = all.filter(({ tls }) => (tls?.client ?? null) === null)
      return without.length === 0
        ? met('Mutual TLS', 'ASVS 12.3.2')
        : notMet(`${names(without.map(({ name }) => name))}: without a certificate of ours`, 'Set tls: { cert, key }.')
    }),
  ),
]
