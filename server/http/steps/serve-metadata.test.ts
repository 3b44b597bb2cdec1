import { expect, test } from 'vitest'
import { SIGNING, testSigning } from '../../keys/keys.testing.ts'
import { toResponse } from '../response/reply.ts'
import { answerMetadata } from './serve-metadata.ts'

const AT = 1_800_000_000_000
const ISSUER = 'https://example.org'

function documentOf(signing = testSigning(AT)) {
  const answer = answerMetadata({
    clock: { now: () => ({ wall: AT, steady: 0 }) },
    signing,
    jwksMaxAgeMs: SIGNING.jwksMaxAgeMs,
    publicUrl: ISSUER,
  })
  return (headers: Record<string, string> = {}) => toResponse(answer({ headers }))
}

test('RFC 8414 §2 names the issuer and its keys, and says that no flow and no grant is offered', async () => {
  const response = documentOf()()
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.json()).toEqual({
    issuer: ISSUER,
    jwks_uri: `${ISSUER}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  })
})

test('an algorithm is listed as long as one of its keys is published, once', async () => {
  const signing = testSigning(AT)
  signing.rotate(AT)
  expect(await documentOf(signing)().json()).toMatchObject({ id_token_signing_alg_values_supported: ['ES256'] })
  const other = testSigning(AT, { ...SIGNING, upstreamTokenAlg: 'RS256' })
  expect(await documentOf(other)().json()).toMatchObject({ id_token_signing_alg_values_supported: ['RS256'] })
})

test('a copy that is current costs no body', () => {
  const ask = documentOf()
  const tag = ask().headers.get('etag') ?? ''
  expect(ask({ 'if-none-match': `W/${tag}` }).status).toBe(304)
  expect(ask({ 'if-none-match': '"another"' }).status).toBe(200)
})
