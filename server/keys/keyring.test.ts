import { hkdfSync } from 'node:crypto'
import { compactDecrypt, CompactEncrypt } from 'jose'
import { expect, test } from 'vitest'
import { formatKeyFile, newRoot, parseKeyFile, type RootKey } from './file.ts'
import { createKeyring } from './keyring.ts'
import type { SealPurpose } from './types.ts'

const root = (): RootKey => newRoot(1000)
const replaced = (key: RootKey): RootKey => ({ ...key, replacedAt: 2000 })

test('JW-12 a sealed value only opens for its own purpose and context', async () => {
  const keyring = createKeyring([root()])
  const purposes: SealPurpose[] = ['access', 'login', 'device', 'form', 'at-rest']
  for (const purpose of purposes) {
    const token = keyring.seal(purpose, { n: 1 }, 'row-1')
    for (const other of purposes) {
      expect(await keyring.open(other, token, 'row-1')).toEqual(other === purpose ? { n: 1 } : null)
    }
    expect(await keyring.open(purpose, token, 'row-2')).toBeNull()
    expect(await keyring.open(purpose, token)).toBeNull()
  }
  expect(await keyring.open('access', keyring.seal('access', {}), 'row-1')).toBeNull()
})

test('RFC 7516 jose opens what we seal given only the key, and we open what jose seals', async () => {
  const key = root()
  const keyring = createKeyring([key])
  const derived = Buffer.from(hkdfSync('sha256', key.secret.reveal(), Buffer.alloc(0), 'porchlight/v1/seal:access', 32))
  const payload = { text: 'ñ 提灯 🪔', n: 1 }
  const { plaintext, protectedHeader } = await compactDecrypt(keyring.seal('access', payload, 'row-1'), derived)
  expect(JSON.parse(Buffer.from(plaintext).toString())).toEqual(payload)
  expect(protectedHeader).toEqual({ alg: 'dir', enc: 'A256GCM', typ: 'access', kid: key.id, ctx: 'row-1' })
  const foreign = await new CompactEncrypt(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader(protectedHeader)
    .encrypt(derived)
  expect(await keyring.open('access', foreign, 'row-1')).toEqual(payload)
})

test('BBA-8 a sealed value does not decode to its content', async () => {
  const token = createKeyring([root()]).seal('access', { canary: 'canary-value' })
  const readable = token
    .split('.')
    .map(part => Buffer.from(part, 'base64url').toString('latin1'))
    .join('')
  expect(readable).not.toContain('canary')
})

test('changing any character makes a sealed value unreadable', async () => {
  const keyring = createKeyring([root()])
  const token = keyring.seal('access', { n: 1 })
  for (let at = 0; at < token.length; at++) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'Q' : 'A') + token.slice(at + 1)
    expect(await keyring.open('access', changed)).toBeNull()
  }
})

test('malformed input opens as null without throwing', async () => {
  const keyring = createKeyring([root()])
  for (const junk of ['', '.', '....', 'a.b.c.d.e', '\u0000', 'e30....', '🪔'.repeat(10), 'x'.repeat(1_000_000)]) {
    expect(await keyring.open('access', junk)).toBeNull()
  }
})

test('JW-7 only dir with A256GCM is opened, and only with the header that we produce', async () => {
  const key = root()
  const keyring = createKeyring([key])
  const secret = key.secret.reveal()
  const make = (header: Record<string, unknown>) =>
    new CompactEncrypt(Buffer.from('{}')).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...header }).encrypt(secret)
  // The root itself is not the key of any purpose.
  expect(await keyring.open('access', await make({ typ: 'access', kid: key.id }))).toBeNull()
  expect(
    await keyring.open('access', await make({ typ: 'access', kid: key.id, jku: 'https://example.org' })),
  ).toBeNull()
  expect(await keyring.open('access', await make({ typ: 'access', kid: key.id, alg: 'A256KW' }))).toBeNull()
  expect(
    await keyring.open('access', await make({ typ: 'access', kid: key.id, alg: 'A256GCMKW', enc: 'A128GCM' })),
  ).toBeNull()
})

test('the newest root seals, older roots still open, and a removed root opens nothing', async () => {
  const [a, b] = [root(), root()]
  const keyring = createKeyring([a])
  const old = keyring.seal('access', { n: 1 })
  const oldMac = keyring.macKey('refresh', a.id)
  keyring.use([replaced(a), b])
  expect(keyring.currentId).toBe(b.id)
  expect(await keyring.open('access', old)).toEqual({ n: 1 })
  expect(keyring.macKey('refresh', a.id)?.equals(oldMac as NonNullable<typeof oldMac>)).toBe(true)
  const young = keyring.seal('access', { n: 2 })
  keyring.use([b])
  expect(await keyring.open('access', old)).toBeNull()
  expect(keyring.macKey('refresh', a.id)).toBeNull()
  expect(await keyring.open('access', young)).toEqual({ n: 2 })
})

test('ASVS 11.3.4 the same payload is never sealed with the same nonce', async () => {
  const keyring = createKeyring([root()])
  const nonces = new Set<string | undefined>()
  for (let i = 0; i < 500; i++) nonces.add(keyring.seal('access', { n: 1 }).split('.')[2])
  expect(nonces.size).toBe(500)
})

test('a key file survives a round trip', () => {
  const file = { counter: 7, roots: [replaced(root()), root()], signing: [] }
  const again = parseKeyFile(formatKeyFile(file))
  expect(formatKeyFile(again)).toBe(formatKeyFile(file))
  expect(JSON.stringify(again)).not.toContain(file.roots[0]?.secret.reveal().toString('base64url'))
})

test('a corrupt key file is refused without quoting a secret', () => {
  const good = JSON.parse(formatKeyFile({ counter: 1, roots: [root()], signing: [] })) as {
    roots: Record<string, unknown>[]
  }
  const secret = String(good.roots[0]?.['secret'])
  const broken = [
    '',
    '{',
    `{"roots":"${secret}`,
    '[]',
    'null',
    '{"version":2}',
    JSON.stringify({ ...good, roots: [] }),
    JSON.stringify({ ...good, counter: -1 }),
    JSON.stringify({ ...good, extra: 1 }),
    JSON.stringify({ ...good, roots: [{ ...good.roots[0], secret: secret.slice(1) }] }),
    JSON.stringify({ ...good, roots: [good.roots[0], good.roots[0]] }),
    JSON.stringify({ ...good, roots: [{ ...good.roots[0], replacedAt: 5 }] }),
  ]
  for (const text of broken) {
    let message = ''
    try {
      parseKeyFile(text)
    } catch (error) {
      message = String(error)
    }
    expect(message, text).not.toBe('')
    expect(message).not.toContain(secret.slice(1))
  }
})
