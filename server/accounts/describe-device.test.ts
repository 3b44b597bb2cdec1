import { expect, test } from 'vitest'
import { describeDevice } from './describe-device.ts'

const LINUX = 'Mozilla/5.0 (X11; Linux x86_64)'
const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
const CHROME = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0'
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)'

test.each([
  ['Firefox 143', 'Linux', 'desktop', 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'],
  ['Firefox 140', 'Android', 'phone', 'Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0'],
  ['Chrome 140', 'Linux', 'desktop', `${LINUX} ${CHROME} Safari/537.36`],
  ['Chrome 140', 'Android', 'phone', `Mozilla/5.0 (Linux; Android 10; K) ${CHROME} Mobile Safari/537.36`],
  ['Microsoft Edge 140', 'Windows', 'desktop', `${WINDOWS} ${CHROME} Safari/537.36 Edg/140.0.0.0`],
  ['Opera 124', 'Windows', 'desktop', `${WINDOWS} ${CHROME} Safari/537.36 OPR/124.0.0.0`],
  [
    'Safari 18',
    'macOS',
    'desktop',
    `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/18.4 Safari/605.1.15`,
  ],
  ['Safari 18', 'iOS', 'phone', `${IPHONE} ${WEBKIT} Version/18.0 Mobile/15E148 Safari/604.1`],
  [
    'Safari 17',
    'iOS',
    'tablet',
    `Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) ${WEBKIT} Version/17.6 Mobile/15E148 Safari/604.1`,
  ],
  ['Chrome 128', 'iOS', 'phone', `${IPHONE} ${WEBKIT} CriOS/128.0.6613.98 Mobile/15E148 Safari/604.1`],
  ['Firefox 129', 'iOS', 'phone', `${IPHONE} ${WEBKIT} FxiOS/129.0 Mobile/15E148 Safari/605.1.15`],
  // GNOME Web, from versions that reveal theirs to those that repeat the engine's.
  ['GNOME Web 3', 'Linux', 'desktop', `${LINUX} ${WEBKIT} Version/11.0 Safari/605.1.15 Epiphany/3.28.1`],
  [
    'GNOME Web 3',
    'Linux',
    'desktop',
    `${LINUX} ${WEBKIT} Version/13.0 Safari/605.1.15 Ubuntu/20.04 (3.36.4-0ubuntu2) Epiphany/3.36.4`,
  ],
  ['GNOME Web', 'Linux', 'desktop', `${LINUX} ${WEBKIT} Version/17.0 Safari/605.1.15 Epiphany/605.1.15`],
  ['WebKit', 'Linux', 'desktop', `${LINUX} ${WEBKIT} Version/60.5 Safari/605.1.15`],
  ['WebKit', 'Linux', 'desktop', `Mozilla/5.0 (Linux; aarch64) ${WEBKIT} Version/60.5 Safari/605.1.15 WPE`],
  [
    'WebKit',
    'Linux',
    'desktop',
    `${LINUX} AppleWebKit/538.15 (KHTML, like Gecko) Version/8.0 Safari/538.15 Midori/0.5`,
  ],
  ['WebKit', null, 'other', `Mozilla/5.0 (X11; FreeBSD amd64) ${WEBKIT} Version/60.5 Safari/605.1.15`],
  ['WebKit', null, 'other', `Mozilla/5.0 (PlayStation; PlayStation 5/6.50) ${WEBKIT} Version/15.4 Safari/605.1.15`],
  [null, null, 'other', ''],
  [null, null, 'other', '\u0007'.repeat(3000)],
])('a device is described in familiar terms: %s on %s, a %s', (browser, system, kind, userAgent) => {
  expect(describeDevice(userAgent)).toEqual({ browser, system, kind })
})
