import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { toOriginForm } from './request-target.ts'

const convert = toOriginForm('https://porch.example')
function asked(url: string, ...hosts: string[]) {
  const rawHeaders = hosts.flatMap(host => ['Host', host])
  const incoming = { url, rawHeaders, headers: { host: hosts[0] } } as unknown as IncomingMessage
  convert(incoming)
  return { url: incoming.url, host: incoming.headers.host, rawHosts: rawHeaders.filter((_, at) => at % 2 === 1) }
}

test.each([
  ['https://porch.example/auth/session?x=1', '/auth/session?x=1'],
  ['HTTPS://PORCH.example:443/', '/'],
  ['https://porch.example', '/'],
  ['https://porch.example?x=1', '/?x=1'],
])('RFC 9112 §3.2.2 the target %s becomes the path %s, and its authority the host', (target, path) => {
  expect(asked(target, 'other.example')).toEqual({ url: path, host: 'porch.example', rawHosts: ['porch.example'] })
})

test.each([
  'https://other.example/auth/session',
  'http://porch.example/',
  'https://porch.example:8443/',
  'https://porch.example@other.example/',
  'https://user@porch.example/',
  'https://porch.example\\@other.example/',
  'https://porch.example%2eother.example/',
  'ftp://porch.example/',
  '*',
  'porch.example:443',
])('a target of another site or another form is left for the path guard: %s', target => {
  expect(asked(target, 'porch.example')).toMatchObject({ url: target, host: 'porch.example' })
})

test('a path stays as it is, and so does its host', () => {
  expect(asked('/auth//session', 'other.example')).toMatchObject({ url: '/auth//session', host: 'other.example' })
})

test('BBA-13 a request with no Host, or with two, has as many afterwards: it is still refused', () => {
  expect(asked('https://porch.example/').rawHosts).toEqual([])
  expect(asked('https://porch.example/', 'a', 'b').rawHosts).toHaveLength(2)
})
