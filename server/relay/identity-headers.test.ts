import type { RequestListener } from 'node:http'
import { describe, expect, test } from 'vitest'
import { relayTo } from './upstream.testing.ts'
import { ask } from './relay.testing.ts'

const echo: RequestListener = (incoming, outgoing) => void outgoing.end(JSON.stringify(incoming.rawHeaders))
const received = async (origin: string, headers: Record<string, string>) =>
  (JSON.parse((await ask(origin, '/api/notes', { headers })).body) as string[]).join(' ')

/** Documented by the makers of proxies, gateways and sign-in services. */
const FORGED = `
  Remote-User Remote-Groups Remote-Email Remote-Name X-Remote-User X-Remote-Group X-Authentik-Username X-Authentik-Groups X-Authelia-User X-Webauth-User
  X-Webauth-Role X-Auth-User X-Auth-Request-Groups X-Auth-Token X-Authenticated-User X-Authenticated-Groups OIDC-Claim-Sub OIDC_CLAIM_email OIDC_access_token
  X-Oidc-Groups Tailscale-User-Login Tailscale-User-Name Cf-Access-Jwt-Assertion Cf-Access-Authenticated-User-Email Cf-Connecting-Ip
  X-Pomerium-Claim-Email X-Pomerium-Jwt-Assertion X-Ms-Client-Principal X-Ms-Client-Principal-Name X-Ms-Token-Aad-Id-Token X-Zumo-Auth
  X-Ssl-Client-Verify X-Ssl-Client-S-Dn Ssl-Client-Verify Ssl-Client-Subject-Dn SSL_CLIENT_CERT X-Client-Cert X-Client-Certificate Client-Cert Client-Cert-Chain
  X-Tls-Client-Cert X-Client-Dn X-Client-Verify X-Arr-Clientcert X-Amzn-Mtls-Clientcert X-Forwarded-Client-Cert X-Forwarded-Tls-Client-Cert
  Forwarded X-Forwarded X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups X-Forwarded-Access-Token X-Forwarded-Preferred-Username X-Forwarded-For-Ip
  X-Forward-For Forwarded-For X-Original-Uri X-Original-Url X-Original-Method X-Original-Forwarded-For X-Rewrite-Url X-Real-Ip True-Client-Ip
  X-Cluster-Client-Ip Client-Ip Fastly-Client-Ip Fly-Client-Ip X-Vercel-Forwarded-For Wl-Proxy-Client-Ip Wl-Proxy-Client-Cert X-Originating-Ip
  X-Goog-Authenticated-User-Email X-Goog-Iap-Jwt-Assertion X-Endpoint-Api-Userinfo X-Apigateway-Api-Userinfo X-Appengine-User-Email
  X-Amzn-Oidc-Data X-Amzn-Oidc-Identity X-Consumer-Id X-Consumer-Username X-Consumer-Custom-Id X-Credential-Identifier X-Anonymous-Consumer X-Userinfo X-Id-Token
  X-Access-Token X-Refresh-Token X-Token X-Token-Subject X-Token-User-Email X-Jwt-Payload X-Jwt-Assertion X-Claim-Sub X-Claims-Email X-Envoy-External-Address
  X-Vouch-User X-Vouch-Idp-Claims-Groups Gap-Signature X-User X-User-Id X-User-Role X-User-Email X-Username X-Email X-Groups X-Roles X-Principal X-Identity
  Impersonate-User Impersonate-Group Sm-User SM_USER Iv-User Iv-Groups Oam-Remote-User Shib-Session-Id Mellon-Name-Id Cas-User X-Saml-Subject X-Ldap-User
  Ynh-User X-Sandstorm-User-Id X-Replit-User-Name Teleport-Jwt-Assertion X-Scope-Orgid Proxy Script-Name SCRIPT_NAME Path-Info X-Http-Method-Override
  X-Middleware-Subrequest X-Sendfile-Type X-Accel-Mapping X-Host X-Porchlight-User`
  .trim()
  .split(/\s+/)

const ORDINARY = `
  X-Requested-With X-Csrf-Token X-Xsrf-Token X-Api-Version X-Api-Key X-Client-Version X-Correlation-Id X-Trace-Id Traceparent Idempotency-Key If-None-Match
  X-User-Agent X-User-Timezone X-Grpc-Web X-Timezone X-Tenant-Id X-Hasura-Role X-Ms-Version X-Ms-Client-Request-Id X-Amz-Date X-Amz-User-Agent X-Firebase-Appcheck X-Api-Token
  X-Anonymous-Id X-Nextjs-Data Tus-Resumable Upload-Offset Prefer Depth Destination Soapaction Range Accept-Language Origin Referer Sec-Fetch-Site`
  .trim()
  .split(/\s+/)

/** The spellings that CGI, WSGI, Rack and PHP treat as the same name. */
const spellings = (name: string) => [
  name,
  name.toLowerCase(),
  name.toUpperCase(),
  name.replaceAll('-', '_'),
  name.replaceAll('-', '.'),
  name.toUpperCase().replace('-', '_'),
]

describe('identity headers', () => {
  test('OA-13 ASVS 4.1.3 no header that makes an upstream trust a proxy is forwarded, in any spelling', async () => {
    const { origin } = await relayTo(echo)
    for (const name of FORGED) {
      // One request each, because Node merges two spellings of a name.
      for (const spelling of new Set(spellings(name)))
        expect(await received(origin, { [spelling]: 'forged' }), spelling).not.toContain('forged')
    }
  })

  test('headers that an application defines for itself are forwarded', async () => {
    const { origin } = await relayTo(echo)
    for (const name of ORDINARY) expect(await received(origin, { [name]: 'said' }), name).toContain(`${name} said`)
    expect(await received(origin, { 'X-Request-Id': 'forged-request-id' })).toMatch(/x-request-id r-1(?: |$)/)
  })

  test('an upstream may list more headers to drop, in any spelling, but cannot drop ours', async () => {
    const { origin } = await relayTo(echo, { dropHeaders: ['X-Employee_Number', 'x-user-agent', 'X-Forwarded-For'] })
    for (const name of ['x-employee-number', 'X_EMPLOYEE_NUMBER', 'X-Employee.Number', 'X-User-Agent'])
      expect(await received(origin, { [name]: 'forged' })).not.toContain('forged')
    expect(await received(origin, { 'X-Employee-Number-Format': 'said' })).toContain('said')
    expect(await received(origin, {})).toContain('x-forwarded-for 192.0.2.7')
  })

  test.each([
    [{ name: 'X-Shop-Key', scheme: null }, 'X-Shop-Key kept.notes.anna'],
    [{ name: 'Authorization', scheme: 'Token' }, 'Authorization Token kept.notes.anna'],
  ])('an upstream gets its token in %j, and nobody else can put one there', async (tokenHeader, sent) => {
    const requires = { signedIn: false, roles: [], maxAgeMs: null, acr: null }
    const { origin } = await relayTo(echo, { tokenHeader, requires })
    for (const spelling of [...spellings(tokenHeader.name), 'Authorization']) {
      const asAnna = await received(origin, { [spelling]: 'forged', Connection: `close, ${tokenHeader.name}` })
      expect(asAnna, spelling).toContain(sent)
      expect(asAnna.match(/kept\.notes\.anna/g)).toHaveLength(1)
      expect(asAnna, spelling).not.toContain('forged')
      expect(await received(origin, { [spelling]: 'forged', 'X-Test-Caller': 'nobody' }), spelling).not.toMatch(
        /forged|kept/,
      )
    }
  })

  test('flooding the cache with unknown names does not let known ones pass', async () => {
    const { origin } = await relayTo(echo)
    for (let batch = 0; batch < 12; batch++) {
      const odd = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`X-Odd-${batch}-${at}`, 'said']))
      expect(await received(origin, { ...odd, 'Remote-User': 'forged' })).not.toContain('forged')
    }
  })
})
