import { expect, test } from 'vitest'
import { relyingPartyOf } from './relying-party.ts'

test.each([
  ['https://lantern.example', 'lantern.example'],
  ['https://lantern.example:8443', 'lantern.example'],
  ['https://xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['http://localhost:3000', 'localhost'],
  ['http://app.localhost:3000', 'app.localhost'],
  ['https://localhost', 'localhost'],
])('passkeys at %s are for %s', (origin, id) => {
  expect(relyingPartyOf(origin, 'Lantern')).toEqual({ id, name: 'Lantern', origin })
})

test.each([
  'http://lantern.example',
  'http://127.0.0.1:3000',
  'https://192.0.2.7',
  'https://[2001:db8::1]',
  'http://[::1]:3000',
])('browsers offer no passkeys at %s', origin => {
  expect(relyingPartyOf(origin, 'Lantern')).toBeNull()
})
