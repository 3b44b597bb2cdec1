import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { startSample } from './sample.ts'

export const ISSUER = 'https://notes.example'
export const AUDIENCE = 'notes'

/** Claims and header of a valid token; each test changes one thing. */
interface Wanted {
  claims?: JWTPayload
  header?: Partial<JWTHeaderParameters>
  key?: CryptoKey | Uint8Array
}

/** An issuer as an upstream sees it: a key, and a URL that serves its public half. */
async function startIssuer(alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', use: 'sig', alg }
  let fetches = 0
  let failing = false
  const server = createServer((_request, response) => {
    fetches++
    if (failing) response.writeHead(503).end()
    else response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))

  return {
    jwks: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`),
    publicJwk: jwk,
    get fetches() {
      return fetches
    },
    fail(value: boolean) {
      failing = value
    },
    async tokenFor(sub: string, { claims = {}, header = {}, key = privateKey }: Wanted = {}): Promise<string> {
      const now = Math.floor(systemClock.now().wall / 1000)
      const payload = {
        iss: ISSUER,
        aud: AUDIENCE,
        sub,
        client_id: 'site',
        jti: crypto.randomUUID(),
        iat: now,
        exp: now + 300,
        roles: ['user'],
        ...claims,
      }
      // Claims set to undefined are left out.
      return new SignJWT(JSON.parse(JSON.stringify(payload)) as JWTPayload)
        .setProtectedHeader({ alg, kid: 'k1', typ: 'at+jwt', ...header })
        .sign(key)
    },
    close: () => new Promise(resolve => server.close(resolve)),
  }
}

const silent: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** The sample and an issuer, in a temporary folder. */
export async function startStage({ clock = systemClock, alg = 'ES256' }: { clock?: Clock; alg?: string } = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'sample-'))
  const issuer = await startIssuer(alg)
  const start = () =>
    startSample({ dataDir, jwks: issuer.jwks, issuer: ISSUER, audience: AUDIENCE, log: silent, clock })
  let sample = await start()

  return {
    issuer,
    dataDir,
    get origin() {
      return sample.origin
    },
    async restart() {
      await sample.close()
      sample = await start()
    },
    /** Makes calls with a valid token of a person. */
    async person(sub: string) {
      const authorization = `Bearer ${await issuer.tokenFor(sub)}`
      return (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
        fetch(sample.origin + path, {
          method,
          headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
    },
    async close() {
      await sample.close()
      await issuer.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export type Stage = Awaited<ReturnType<typeof startStage>>
export type NotesUser = Awaited<ReturnType<Stage['person']>>
