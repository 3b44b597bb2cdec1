import type { webcrypto } from 'node:crypto'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { beforeAll, describe, expect, test } from 'vitest'
import { neverLeft } from './provider-failures.ts'
import { createOutbound } from './outbound.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const HOUR_MS = 3_600_000

interface Signer {
  certificate: x509.X509Certificate
  keys: webcrypto.CryptoKeyPair
}

async function certificate(name: string, by: Signer | null, isCa: boolean): Promise<Signer> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: by?.certificate.subject ?? `CN=${name}`,
    publicKey: keys.publicKey,
    signingKey: by?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    extensions: [
      new x509.BasicConstraintsExtension(isCa),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
    ],
  })
  return { certificate: made, keys }
}

async function keyOf({ keys }: Signer): Promise<string> {
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${(pkcs8.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`
}

/** A call to a server with these certificates, which are not trusted here. */
async function call(shown: Signer[]): Promise<{ error: unknown; arrived: number }> {
  let arrived = 0
  const [leaf] = shown
  if (leaf === undefined) throw new Error('no certificate')
  const server = https.createServer(
    { cert: shown.map(one => one.certificate.toString('pem')).join('\n'), key: await keyOf(leaf) },
    (_, response) => {
      arrived++
      response.end()
    },
  )
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const outbound = createOutbound({ trusted: ['127.0.0.1'], mayBePlain: false, report: () => {} })
  try {
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`
    return {
      error: await outbound.fetch(url, { method: 'POST', headers: {}, body: 'refresh_token=r1' }).then(
        () => null,
        (error: unknown) => error,
      ),
      arrived,
    }
  } finally {
    await outbound.close()
    server.closeAllConnections()
    server.close()
  }
}

describe('a provider with an untrusted certificate has not consumed the token:', () => {
  let root: Signer, between: Signer, leaf: Signer, alone: Signer
  beforeAll(async () => {
    x509.cryptoProvider.set(crypto)
    root = await certificate("a house of one's own", null, true)
    between = await certificate('a room of it', root, true)
    leaf = await certificate('127.0.0.1', between, false)
    alone = await certificate('127.0.0.1', null, false)
  })

  test.each<[string, () => Signer[]]>([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', () => [alone]],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', () => [leaf]],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', () => [leaf, between]],
    ['SELF_SIGNED_CERT_IN_CHAIN', () => [leaf, between, root]],
  ])('%s', async (code, shown) => {
    const { error, arrived } = await call(shown())
    expect(error).toMatchObject({ cause: { code } })
    expect(arrived).toBe(0)
    expect(neverLeft(error)).toBe(true)
  })
})

test('a call that was cut off may have taken effect', () => {
  expect(
    neverLeft(new TypeError('the call failed', { cause: Object.assign(new Error('cut'), { code: 'ECONNRESET' }) })),
  ).toBe(false)
})
