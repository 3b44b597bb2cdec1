import { expect, test } from 'vitest'
import { clearCookie, cookieName, cookieValues, readSessionCookies, serializeCookie } from './cookie-names.ts'

const names = { access: cookieName('access', true), refresh: cookieName('refresh', true) }

test('BBA-7 over https, names have the prefixes that browsers enforce; over plain http they could not be set', () => {
  expect(names).toEqual({ access: '__Host-porchlight-access', refresh: '__Host-Http-porchlight-refresh' })
  expect(cookieName('refresh', false)).toBe('porchlight-refresh')
})

test('CK-3 names match exactly: another case, prefix or suffix is another cookie', () => {
  const header =
    '__HOST-porchlight-access=1; __Host-porchlight-accessory=2; x__Host-porchlight-access=3; __Host-porchlight-access =4'
  expect(cookieValues(header, names.access)).toEqual([])
})

test('values are found at any position, with or without spaces', () => {
  expect(readSessionCookies(`a=1;${names.access}=A;b=2; ${names.refresh}=R `, names)).toEqual({
    access: 'A',
    refresh: 'R',
    duplicated: false,
  })
  expect(readSessionCookies(`${names.refresh}=R`, names)).toEqual({ access: null, refresh: 'R', duplicated: false })
  expect(readSessionCookies('', names)).toEqual({ access: null, refresh: null, duplicated: false })
  expect(readSessionCookies(undefined, names)).toEqual({ access: null, refresh: null, duplicated: false })
  expect(readSessionCookies(`;;=;${names.access}=;`, names)).toEqual({ access: null, refresh: null, duplicated: false })
})

test('CK-11 of two cookies with one name neither is trusted, whichever comes first', () => {
  expect(readSessionCookies(`${names.access}=mine; ${names.access}=theirs; ${names.refresh}=R`, names)).toEqual({
    access: null,
    refresh: null,
    duplicated: true,
  })
  expect(readSessionCookies(`${names.refresh}=a; ${names.access}=A; ${names.refresh}=a`, names).duplicated).toBe(true)
})

test('BBA-4 BBA-6 CK-7 every cookie is HttpOnly, SameSite, for all paths and this host only', () => {
  expect(serializeCookie(names.access, 'v', { secure: true, maxAgeSeconds: 900.9 })).toBe(
    '__Host-porchlight-access=v; Max-Age=900; Path=/; HttpOnly; SameSite=Lax; Secure',
  )
  expect(serializeCookie('porchlight-access', 'v', { secure: false, maxAgeSeconds: null })).toBe(
    'porchlight-access=v; Path=/; HttpOnly; SameSite=Lax',
  )
})

test('CK-9 clearing repeats the attributes, or the browser would keep the cookie', () => {
  expect(clearCookie(names.refresh, { secure: true })).toBe(
    '__Host-Http-porchlight-refresh=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure',
  )
})
