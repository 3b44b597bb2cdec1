import { describe, expect, test } from 'vitest'
import { isSameOrigin, type Provenance } from './same-origin.ts'

const OURS = 'https://porch.example'
const from = (given: Partial<Provenance>): Provenance => ({
  origin: undefined,
  secFetchSite: undefined,
  secFetchMode: undefined,
  referer: undefined,
  ...given,
})

describe('isSameOrigin', () => {
  test.each<[string, Partial<Provenance>, boolean]>([
    ['CS-1 a fetch from our page', { origin: OURS, secFetchSite: 'same-origin', secFetchMode: 'cors' }, true],
    ['CS-1 a fetch whose browser left Origin out', { secFetchSite: 'same-origin', secFetchMode: 'cors' }, true],
    ['CS-1 another site', { origin: 'https://evil.example', secFetchSite: 'cross-site' }, false],
    [
      'BBA-9, BBA-10 a sibling host of the same site',
      { origin: 'https://app.porch.example', secFetchSite: 'same-site' },
      false,
    ],
    ['BBA-9 a sibling host, with our origin claimed', { origin: OURS, secFetchSite: 'same-site' }, false],
    [
      'CS-8 the right Sec-Fetch-Site beside a strange Origin',
      { origin: 'https://evil.example', secFetchSite: 'same-origin' },
      false,
    ],
    ['CS-8 the right Origin beside a cross-site Sec-Fetch-Site', { origin: OURS, secFetchSite: 'cross-site' }, false],
    ['BBA-12 the origin `null` of a sandbox', { origin: 'null', secFetchSite: 'cross-site' }, false],
    ['BBA-12 the origin `null`, nothing else said', { origin: 'null' }, false],
    [
      'CS-1 a form of a page of ours that sends no referrer',
      { origin: 'null', secFetchSite: 'same-origin', secFetchMode: 'navigate' },
      true,
    ],
    [
      'BBA-9 the origin `null` of a sibling host',
      { origin: 'null', secFetchSite: 'same-site', secFetchMode: 'navigate' },
      false,
    ],
    [
      'CS-4 the origin `null` that nothing is behind',
      { origin: 'null', secFetchSite: 'none', secFetchMode: 'navigate' },
      false,
    ],
    ['BBA-12 the origin `null` with our referrer', { origin: 'null', referer: `${OURS}/account` }, false],
    ['two origins `null`, joined', { origin: 'null, null', secFetchSite: 'same-origin' }, false],
    ['CS-4 a form posted again by reloading', { origin: OURS, secFetchSite: 'none', secFetchMode: 'navigate' }, true],
    ['CS-4 `none` that is no navigation', { secFetchSite: 'none', secFetchMode: 'cors' }, false],
    ['CS-4 `none` without a mode', { secFetchSite: 'none' }, false],
    ['a value that the standard does not have', { origin: OURS, secFetchSite: 'Same-Origin' }, false],
    ['CS-2 an old browser: Origin alone', { origin: OURS }, true],
    ['CS-2 Origin is compared whole: a longer host', { origin: 'https://porch.example.evil.example' }, false],
    ['CS-2 Origin is compared whole: another port', { origin: 'https://porch.example:8443' }, false],
    ['CS-2 Origin is compared whole: another scheme', { origin: 'http://porch.example' }, false],
    ['CS-2 two Origin headers, joined', { origin: `${OURS}, ${OURS}` }, false],
    ['CS-2 Referer, when nothing else is there', { referer: `${OURS}/sign-in?x=1` }, true],
    ['CS-2 a Referer that only begins like ours', { referer: `${OURS}.evil.example/` }, false],
    ['CS-2 a Referer with our name before the @', { referer: 'https://porch.example@evil.example/' }, false],
    ['CS-2 a Referer that is no URL', { referer: 'about:blank' }, false],
    [
      'CS-2 a right Referer does not save a wrong Origin',
      { origin: 'https://evil.example', referer: `${OURS}/` },
      false,
    ],
    ['CS-2 nothing at all', {}, false],
  ])('%s', (_title, given, allowed) => {
    expect(isSameOrigin(from(given), OURS)).toBe(allowed)
  })
})
