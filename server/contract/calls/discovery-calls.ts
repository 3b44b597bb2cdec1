import * as v from 'valibot'
import { type Answer, type Calls, json, seeOther, text } from './call.ts'

const Jwk = v.looseObject({ kty: v.string(), kid: v.string(), use: v.literal('sig'), alg: v.string() })
export const JwksAnswer = v.object({ keys: v.array(Jwk) })

export const MetadataAnswer = v.object({
  issuer: v.string(),
  jwks_uri: v.string(),
  response_types_supported: v.array(v.string()),
  grant_types_supported: v.array(v.string()),
  subject_types_supported: v.array(v.string()),
  id_token_signing_alg_values_supported: v.array(v.string()),
})

export const RelatedOriginsAnswer = v.object({ origins: v.array(v.string()) })
export const PasskeyEndpointsAnswer = v.object({ enroll: v.string(), manage: v.string() })

const NOT_MODIFIED: Answer = { about: 'The copy with this `If-None-Match` is current.', headers: ['ETag'] }
const METADATA = {
  tag: 'Discovery',
  caller: 'server',
  about: 'Who issues the tokens that upstreams get, and where the keys are. No flow is offered.',
  answers: { 200: json(MetadataAnswer, 'The metadata.', ['ETag']), 304: NOT_MODIFIED },
} as const

export const DISCOVERY_CALLS = {
  'GET /healthz': {
    tag: 'Discovery',
    id: 'isAlive',
    summary: 'Say that the process lives',
    caller: 'server',
    answers: { 200: text('It lives.') },
  },
  'GET /readyz': {
    tag: 'Discovery',
    id: 'isReady',
    summary: 'Say whether the server can do its work',
    caller: 'server',
    answers: { 200: text('It can.') },
    problems: ['draining', 'store_unavailable'],
  },
  'GET /auth/openapi.json': {
    tag: 'Discovery',
    id: 'readDescription',
    summary: 'Describe the calls',
    caller: 'server',
    answers: { 200: json(v.looseObject({ openapi: v.string() }), 'This document.', ['ETag']), 304: NOT_MODIFIED },
  },
  'GET /.well-known/jwks.json': {
    tag: 'Discovery',
    id: 'readKeys',
    summary: 'Read the public keys',
    about: 'RFC 7517. A new key is published longer before it signs than copies live.',
    caller: 'server',
    answers: {
      200: { ...json(JwksAnswer, 'The keys.', ['ETag']), type: 'application/jwk-set+json' },
      304: NOT_MODIFIED,
    },
  },
  'GET /.well-known/oauth-authorization-server': {
    ...METADATA,
    id: 'readServerMetadata',
    summary: "Read the issuer's metadata (RFC 8414)",
  },
  'GET /.well-known/openid-configuration': {
    ...METADATA,
    id: 'readProviderMetadata',
    summary: "Read the issuer's metadata (OpenID Connect Discovery)",
  },
  'GET /.well-known/security.txt': {
    tag: 'Discovery',
    id: 'readSecurityContact',
    summary: 'Say where to report vulnerabilities (RFC 9116)',
    about: '404 unless the setting `securityContact` is there.',
    caller: 'server',
    answers: { 200: text('The contact.') },
    problems: ['not_found'],
  },
  'GET /.well-known/webauthn': {
    tag: 'Discovery',
    id: 'readRelatedOrigins',
    summary: 'Say which other origins may use the passkeys of this site (WebAuthn L3, related origin requests)',
    about: '404 unless the setting `relatedOrigins` is there.',
    caller: 'server',
    answers: { 200: json(RelatedOriginsAnswer, 'The origins.') },
    problems: ['not_found'],
  },
  'GET /.well-known/passkey-endpoints': {
    tag: 'Discovery',
    id: 'readPasskeyEndpoints',
    summary: 'Lead a password manager to the page with the passkeys',
    about: '404 where browsers offer no passkeys: over plain http except on localhost, and at an IP address.',
    caller: 'server',
    answers: { 200: json(PasskeyEndpointsAnswer, 'The addresses.') },
    problems: ['not_found'],
  },
  'GET /.well-known/change-password': {
    tag: 'Discovery',
    id: 'goToChangePassword',
    summary: 'Lead a password manager to the page for a new password',
    caller: 'server',
    answers: { 303: seeOther('To `/account`.') },
  },
} satisfies Calls
