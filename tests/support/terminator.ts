import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** What stands in front of a self-hosted server: ends TLS and says for whom in X-Forwarded-*. */
export interface Terminator {
  port: number
  close(): Promise<void>
}

/** The address that visitors seem to come from, so that it can be told from the terminator's own. */
export const VISITOR_ADDRESS = '198.51.100.9'

/**
 * Listens with a certificate made now and forwards by host name to the ports in `routes`, which may be filled in later.
 * The visitor's own X-Forwarded-For is added to, not replaced, as common proxies do it.
 */
export async function startTerminator(names: string[], routes: Map<string, number>): Promise<Terminator> {
  const { certificate, key } = await makeCertificate(names)
  const agent = new http.Agent({ keepAlive: true })
  const server = https.createServer({ cert: certificate, key }, (request, response) => {
    const before = request.headers['x-forwarded-for']
    const headers = {
      ...request.headers,
      'x-forwarded-for': before === undefined ? VISITOR_ADDRESS : `${String(before)}, ${VISITOR_ADDRESS}`,
      'x-forwarded-proto': 'https',
    }
    const port = routes.get((request.headers.host ?? '').split(':')[0] ?? '')
    const onward = http.request(
      { host: '127.0.0.1', port, method: request.method, path: request.url, headers, agent },
      answer => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        answer.pipe(response)
      },
    )
    onward.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(done => {
        agent.destroy()
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

/** A certificate that signs itself, and its key, as PEM. */
export async function makeCertificate(names: string[]): Promise<{ certificate: string; key: string }> {
  x509.cryptoProvider.set(crypto)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${names[0] ?? 'localhost'}`,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 24 * 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension(names.map(value => ({ type: 'dns' as const, value })))],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${(pkcs8.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`,
  }
}
