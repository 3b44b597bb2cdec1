import { describe, expect, test } from 'vitest'
import { CookieJar } from './cookie-jar.ts'

const NOW = 1_800_000_000_000
const PLAIN = { path: '/', httpOnly: false, secure: false, sameSite: 'Lax', expires: -1 }

describe('CookieJar', () => {
  test('RFC 6265 §5.2 reads the attributes of Set-Cookie in any case, and values with "="', () => {
    const jar = new CookieJar()
    jar.take(['a=b=c==; PATH=/x; httponly; Secure; samesite=STRICT', 'plain=1', 'none=; SameSite=None'], NOW)
    expect(jar.received).toEqual([
      { name: 'a', value: 'b=c==', path: '/x', httpOnly: true, secure: true, sameSite: 'Strict', expires: -1 },
      { ...PLAIN, name: 'plain', value: '1' },
      { ...PLAIN, name: 'none', value: '', sameSite: 'None' },
    ])
    expect(jar.header).toBe('a=b=c==; plain=1; none=')
  })

  test('Max-Age wins over Expires, and a cookie whose time has passed is gone', () => {
    const jar = new CookieJar([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
      { name: 'c', value: '3' },
    ])
    const past = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT'
    jar.take([`a=; Max-Age=0`, `b=; ${past}`, `c=4; ${past}; Max-Age=60`], NOW)
    expect(jar.header).toBe('c=4')
    expect(jar.received.map(({ expires }) => expires)).toEqual([NOW / 1000, 0, NOW / 1000 + 60])
  })
})
