import type { webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const HOUR = 3_600_000
const QUARTER = 90 * 24 * HOUR

/** A certificate and its key, as PEM. */
export interface Issued {
  cert: string
  key: string
}

/** A certification authority of one's own. */
export interface Authority {
  pem: string
  /** @param validMs how long it is valid from now; negative: it has expired */
  issue(name: string, options?: { validMs?: number; dns?: string[]; ips?: string[] }): Promise<Issued>
}

export async function makeAuthority(name: string): Promise<Authority> {
  x509.cryptoProvider.set(crypto)
  const keys = await newKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - HOUR),
    notAfter: new Date(Date.now() + QUARTER),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  return {
    pem: root.toString('pem'),
    async issue(subject, { validMs = QUARTER, dns = [], ips = ['127.0.0.1'] } = {}) {
      const own = await newKeys()
      const names = [
        ...dns.map(value => ({ type: 'dns' as const, value })),
        ...ips.map(value => ({ type: 'ip' as const, value })),
      ]
      const certificate = await x509.X509CertificateGenerator.create({
        subject: `CN=${subject}`,
        issuer: root.subject,
        notBefore: new Date(Date.now() - 2 * HOUR),
        notAfter: new Date(Date.now() + validMs),
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        publicKey: own.publicKey,
        extensions: [new x509.SubjectAlternativeNameExtension(names)],
      })
      return { cert: certificate.toString('pem'), key: await pemOf(own.privateKey) }
    },
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const text = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${(text.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`
}
