import { expect, test } from 'vitest'
import { CALLS } from '../../contract/calls/all-calls.ts'
import { describeApi } from './describe-api.ts'
import { tailorDescription } from './tailor-description.ts'

const whole = describeApi()
const referencesIn = (value: unknown) =>
  [...JSON.stringify(value).matchAll(/"\$ref":"#\/components\/(\w+)\/([\w-]+)"/g)].map(([, kind = '', name = '']) => ({
    kind,
    name,
  }))

test('every call is an operation', () => {
  const operations = Object.values(whole.paths).flatMap(item => Object.values(item))
  expect(operations.map(({ operationId }) => operationId).sort()).toEqual(
    [...CALLS.values()].map(({ id }) => id).sort(),
  )
})

test('every reference leads to something', () => {
  const { components } = whole
  const names = (kind: string) => Object.keys(components[kind as keyof typeof components] ?? {})
  expect(referencesIn(whole).filter(({ kind, name }) => !names(kind).includes(name))).toEqual([])
})

test('no two paths differ only in the names of their parameters, which OpenAPI takes for one', () => {
  const shapes = Object.keys(whole.paths).map(path => path.replaceAll(/\{\w+\}/g, '{}'))
  expect(shapes).toEqual([...new Set(shapes)])
})

test('a call says what it takes and answers, by the schemas that the server uses', () => {
  expect(whole.paths['/auth/login']?.['post']).toMatchObject({
    operationId: 'signIn',
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: { $ref: '#/components/schemas/LoginRequest' } },
        'application/x-www-form-urlencoded': {
          schema: { properties: { email: {}, returnTo: {} }, required: ['email', 'password'] },
        },
      },
    },
    parameters: [{ $ref: '#/components/parameters/SecFetchSite' }, { $ref: '#/components/parameters/Origin' }],
    responses: {
      200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/LoginAnswer' } } } },
      303: { headers: { Location: {}, 'Set-Cookie': {} } },
      401: { content: { 'application/problem+json': {}, 'text/html': {} } },
      429: { $ref: '#/components/responses/slow_down' },
    },
    security: [{}, { access: [] }, { refresh: [] }],
  })
  expect(whole.components.schemas['LoginRequest']).toEqual({
    type: 'object',
    properties: {
      email: { type: 'string', minLength: 1, maxLength: 254 },
      password: { type: 'string', minLength: 1, maxLength: 4096 },
      remember: { type: 'boolean' },
    },
    required: ['email', 'password'],
    additionalProperties: false,
  })
})

test('a call of administrators adds what follows from that: who may call, and what others get', () => {
  const { responses, security } = whole.paths['/auth/people/{id}']?.['patch'] ?? {}
  expect(security).toEqual([{ access: [] }, { refresh: [] }])
  expect(JSON.stringify(responses)).toContain('"enum":["not_signed_in","reauthentication_required","session_replaced"]')
  expect(JSON.stringify(responses)).toContain('"enum":["cross_origin","forbidden","second_factor_required"]')
})

test('ASVS 13.4.6 a server describes what it answers, at its address, by the names of its cookies', () => {
  const tailored = tailorDescription(whole, {
    publicUrl: 'http://localhost:8080',
    secureCookies: false,
    without: ['Demo', 'Tests'],
  })
  expect(tailored.info.version).toMatch(/^\d+\.\d+$/)
  expect(tailored.servers).toEqual([{ url: 'http://localhost:8080' }])
  expect(tailored.components.parameters['Origin']?.schema).toEqual({ const: 'http://localhost:8080' })
  expect(Object.keys(tailored.paths).filter(path => /proof|test/.test(path))).toEqual([])
  expect(tailored.tags.map(({ name }) => name)).not.toContain('Demo')
  expect(tailored.components.securitySchemes).toMatchObject({
    access: { name: 'porchlight-access' },
    refresh: { name: 'porchlight-refresh' },
  })
  expect(tailored.components.securitySchemes).not.toHaveProperty('tests')
  const { schemas, responses } = tailored.components
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['SessionAnswer', 'WireUser', 'ProblemBody']))
  // Nothing refers to these any more, or ever did.
  expect(Object.keys(schemas)).not.toEqual(expect.arrayContaining(['ProofRun']))
  expect(Object.keys(responses)).not.toContain('upstream_timeout')
  const all = tailorDescription(whole, { publicUrl: 'https://example.org', secureCookies: true, without: [] })
  expect(all.paths).toEqual(whole.paths)
  expect(all.components.securitySchemes).toEqual(whole.components.securitySchemes)
})
