import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Authority, type Issued, makeAuthority } from '../../tests/support/authority.ts'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'

const cwd = mkdtempSync(join(tmpdir(), 'porchlight-tls-'))
let authority: Authority
let [one, other]: Issued[] = []
beforeAll(async () => {
  authority = await makeAuthority('a CA of our own')
  one = await authority.issue('porchlight')
  other = await authority.issue('another')
  const files = {
    'ca.pem': authority.pem,
    'cert.pem': one.cert,
    'key.pem': one.key,
    'empty.pem': '',
    'locked.pem': createPrivateKey(one.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'lantern',
    }),
    'both.pem': `${one.cert}\n${one.key}`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const load = (tls: unknown, target = 'https://orders.internal:8443', more: Record<string, string> = {}) =>
  loadConfig({ PORCHLIGHT_UPSTREAMS: JSON.stringify([{ name: 'orders', tls, target }]), ...more }, cwd)
const tlsOf = async (...args: Parameters<typeof load>) => (await load(...args)).config.upstreams[0]?.tls
const refused = async (...args: Parameters<typeof load>) => {
  const error = await load(...args).catch((thrown: unknown) => thrown)
  return error instanceof OperatorError ? error.advice.join('\n') : 'nothing'
}

test('certificates and keys are read from paths beside the configuration, PEM text, variables and files', async () => {
  expect(await tlsOf({ ca: 'ca.pem' })).toEqual({ ca: authority.pem, client: null, keyFile: null })
  const read = await tlsOf({ ca: { file: './ca.pem' }, cert: one?.cert, key: 'key.pem' })
  expect(read).toMatchObject({ ca: authority.pem, keyFile: join(cwd, 'key.pem') })
  expect(read?.client?.key.reveal()).toBe(one?.key)
  expect(String(read?.client?.key)).toBe('[secret]')
  const { config } = await load({ cert: 'cert.pem', key: { env: 'ORDERS_KEY' } }, undefined, {
    ORDERS_KEY: one?.key ?? '',
  })
  expect(config.upstreams[0]?.tls).toMatchObject({ ca: null, keyFile: null })
  expect((await tlsOf({ cert: 'both.pem', key: 'both.pem' }))?.client).not.toBeNull()
})

test('what does not work is refused at start, in one sentence that names the field', async () => {
  const pair = (cert: unknown, key: unknown) => refused({ cert, key })
  expect(await refused({ ca: 'nowhere.pem' })).toBe(
    '  PORCHLIGHT_UPSTREAMS[0].tls.ca: nowhere.pem to be readable (ENOENT), or PEM text.',
  )
  expect(await refused({ ca: { file: '.' } })).toContain('tls.ca: . to be readable (EISDIR)')
  expect(await refused({ ca: 'empty.pem' })).toContain('tls.ca: certificates in PEM')
  expect(await refused({ ca: 'key.pem' })).toContain('tls.ca: certificates in PEM')
  expect(await refused({ ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' })).toContain(
    'tls.ca: certificates',
  )
  expect(await pair('key.pem', 'key.pem')).toContain('tls.cert: certificates in PEM')
  expect(await pair('cert.pem', 'cert.pem')).toContain('tls.key: a private key in PEM')
  expect(await pair('cert.pem', 'locked.pem')).toContain('tls.key: a private key without a passphrase')
  expect(await pair('cert.pem', other?.key)).toContain('tls.key: the private key of the first certificate in tls.cert')
  expect(await pair('cert.pem', { env: 'ORDERS_KEY' })).toContain('the variable ORDERS_KEY to be set')
  for (const half of [{ cert: 'cert.pem' }, { key: 'key.pem' }])
    expect(await refused(half)).toContain('a cert needs its key')
  for (const none of [{}, true, 'ca.pem', { ca: 7 }, { ca: { url: 'x' } }, { rejectUnauthorized: false }])
    expect(await refused(none)).toMatch(/ca, or cert and key|PEM text, the path|no such field/)
  expect(await refused({ ca: 'ca.pem' }, 'http://orders.internal')).toContain('tls only with an https target')
})

test('a front end may have a certificate of a private CA, too, and want to know this site', async () => {
  const site = (tls: unknown, upstream = 'https://front.internal') =>
    loadConfig({ PORCHLIGHT_SITE: JSON.stringify({ upstream, tls }) }, cwd)
  const { config, report } = await site({ ca: 'ca.pem', cert: 'cert.pem', key: one?.key })
  expect(config.site).toMatchObject({ upstream: { tls: { ca: authority.pem, client: { cert: one?.cert } } } })
  expect(JSON.stringify(report)).not.toContain('PRIVATE KEY')
  for (const [tls, target, wrong] of [
    [{ cert: 'cert.pem', key: other?.key }, 'https://front.internal', '  PORCHLIGHT_SITE.tls.key: the private key of'],
    [{ ca: 'ca.pem' }, 'http://front.internal', 'tls only with an https upstream'],
    [{ key: [one?.key] }, 'https://front.internal', 'PORCHLIGHT_SITE.tls'],
  ] as const) {
    const error = await site(tls, target).catch((thrown: unknown) => thrown)
    expect((error as OperatorError).advice.join()).toContain(wrong)
    expect((error as OperatorError).advice.join()).not.toContain('PRIVATE KEY')
  }
})

test('ASVS 16.2.5 no message and no report shows a key, wherever it was written', async () => {
  const bare = (one?.key ?? '').replace(/-----[A-Z ]+-----|\n/g, '')
  const secrets = [bare.slice(0, 40), bare.slice(40, 80)]
  const places: unknown[] = [
    { cert: 'cert.pem', key: bare },
    { cert: other?.cert, key: one?.key },
    { ca: one?.key },
    { key: one?.key },
    { cert: 'cert.pem', key: { pem: one?.key } },
    { cert: 'cert.pem', key: [one?.key] },
    one?.key,
    bare,
    [bare],
  ]
  for (const tls of places) {
    const said = await refused(tls)
    expect(said).toContain('PORCHLIGHT_UPSTREAMS[0].tls')
    for (const secret of secrets) expect(said).not.toContain(secret)
  }
  for (const entry of [
    { tsl: { key: one?.key } },
    { key: bare },
    { name: 'orders', tls: { cert: one?.cert, key: bare } },
  ]) {
    const twice = JSON.stringify([1, 2].map(() => ({ name: 'orders', target: 'https://a.example', ...entry })))
    const error = await loadConfig({ PORCHLIGHT_UPSTREAMS: twice }, cwd).catch((thrown: unknown) => thrown)
    for (const secret of secrets) expect((error as OperatorError).advice.join('\n')).not.toContain(secret)
  }
  const { report } = await load({ cert: one?.cert, key: one?.key })
  for (const secret of secrets) expect(JSON.stringify(report)).not.toContain(secret)
})
