import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { CompactSign, compactVerify, importJWK } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog, type Log } from '../base/log.ts'
import { Secret } from '../base/secret.ts'
import { UPSTREAM_TOKEN_ALGS } from '../config/settings.ts'
import { formatKeyFile, newRoot, parseKeyFile } from './file.ts'
import { type Keys, openKeys } from './keys.ts'
import { openSigning } from './signing.ts'
import { openSigningKeys } from './signing-file.ts'
import { newSigningKey, publicJwk, type SigningAlg } from './signing-key.ts'
import { leadMs, scheduleOf, signsAtFor } from './signing-schedule.ts'
import { memoryKeys, SIGNING, testSigning } from './keys.testing.ts'

const AT = 1_800_000_000_000
const LEAD = leadMs(SIGNING)
/** From its successor's turn until its last token has expired and every cache has dropped it. */
const KEPT = SIGNING.upstreamTokenMs + SIGNING.jwksMaxAgeMs

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'porchlight-signing-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inKeyFile = (keys: Keys) => openSigningKeys(null, keys, { used: false, mayWrite: true })
const usesOf = (signing: ReturnType<typeof testSigning>, now: number) => signing.list(now).map(key => key.use)
const kids = (signing: ReturnType<typeof testSigning>, now: number) => signing.published(now).map(key => key.kid)

test('the very first key signs at once', () => {
  const signing = testSigning(AT)
  expect(usesOf(signing, AT)).toEqual(['signs'])
  expect(signing.list(AT)[0]).toMatchObject({ alg: 'ES256', createdAt: AT, signsAt: AT, retiresAt: null })
})

test('JW-16 a new key is published for twice the max-age before it signs, and the old one until its last token has expired plus the max-age', () => {
  const signing = testSigning(AT)
  const first = signing.signer(AT).kid
  const second = signing.rotate(AT + 5).id
  const turn = AT + 5 + LEAD
  for (const [now, signer, published] of [
    [AT + 5, first, [first, second]],
    [turn - 1, first, [first, second]],
    [turn, second, [first, second]],
    [turn + KEPT - 1, second, [first, second]],
    [turn + KEPT, second, [second]],
  ] as const) {
    expect(signing.signer(now).kid, String(now - AT)).toBe(signer)
    expect(kids(signing, now), String(now - AT)).toEqual(published)
  }
})

test('JW-17 for any settings, the max-age is shorter than the time a new key is published before it signs', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 86_400_000 }),
      fc.integer({ min: 1000, max: 3_600_000 }),
      (jwksMaxAgeMs, upstreamTokenMs) => {
        const settings = { ...SIGNING, jwksMaxAgeMs, upstreamTokenMs }
        const keys = [{ alg: 'ES256', createdAt: AT, signsAt: AT }] as const
        expect(signsAtFor(keys, settings, AT + 1) - (AT + 1)).toBeGreaterThanOrEqual(2 * jwksMaxAgeMs)
      },
    ),
  )
})

test('at any time exactly one key signs, whichever keys exist, and it is among the published ones', () => {
  const madeAt = fc.integer({ min: 0, max: 50 })
  fc.assert(
    fc.property(
      fc.array(fc.record({ alg: fc.constantFrom(...UPSTREAM_TOKEN_ALGS), createdAt: madeAt, signsAt: madeAt }), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.integer({ min: -10, max: 100 }),
      (keys, now) => {
        const schedule = scheduleOf(
          keys,
          { upstreamTokenAlg: 'ES256', upstreamTokenMs: 3, jwksMaxAgeMs: 2, signingRotationMs: 1000 },
          now,
        )
        expect(schedule.filter(({ use }) => use === 'signs')).toHaveLength(1)
        const turn = schedule.findIndex(({ use }) => use === 'signs')
        for (const [at, { use }] of schedule.entries())
          expect(at < turn ? ['verifies', 'retired'] : at > turn ? ['published'] : ['signs']).toContain(use)
      },
    ),
  )
})

test('if the clock is set back to before the first key, that key still signs', () => {
  expect(testSigning(AT).signer(AT - 3_600_000).kid).toMatch(/^[\w-]{12}$/)
})

test('two rotations in quick succession each take their turn', () => {
  const signing = testSigning(AT)
  const [a, b, c] = [signing.signer(AT).kid, signing.rotate(AT + 1).id, signing.rotate(AT + 2).id]
  expect(signing.signer(AT + LEAD).kid).toBe(a)
  expect(signing.signer(AT + LEAD + 1).kid).toBe(b)
  expect(signing.signer(AT + LEAD + 2).kid).toBe(c)
  expect(kids(signing, AT + LEAD + 2)).toEqual([a, b, c])
})

test('configuring another algorithm starts exactly one rotation', () => {
  const keys = memoryKeys()
  const before = testSigning(AT, SIGNING, keys).signer(AT)
  const settings = { ...SIGNING, upstreamTokenAlg: 'Ed25519' as const }
  const signing = testSigning(AT + 10, settings, keys)
  expect(signing.signer(AT + 10)).toMatchObject({ kid: before.kid, alg: 'ES256' })
  expect(signing.list(AT + 10)).toMatchObject([
    { alg: 'Ed25519', use: 'published' },
    { alg: 'ES256', use: 'signs' },
  ])
  const again = testSigning(AT + 20, settings, keys)
  expect(again.list(AT + 20)).toHaveLength(2)
  expect(again.signer(AT + 10 + LEAD).alg).toBe('Ed25519')
})

test('a key dated in the future does not make each start rotate to the configured algorithm again', () => {
  const keys = memoryKeys()
  testSigning(AT, SIGNING, keys)
  testSigning(AT, SIGNING, keys).rotate(AT + 365 * 86_400_000)
  const settings = { ...SIGNING, upstreamTokenAlg: 'Ed25519' as const }
  for (let start = 0; start < 3; start++) testSigning(AT + 10 + start, settings, keys)
  expect(
    keys
      .all()
      .map(({ alg }) => alg)
      .toSorted(),
  ).toEqual(['ES256', 'ES256', 'Ed25519'])
  expect(testSigning(AT + 10 + LEAD, settings, keys).signer(AT + 10 + LEAD).alg).toBe('Ed25519')
})

test('compromised keys are withdrawn at once, and a new one signs from then on', () => {
  const signing = testSigning(AT)
  const old = [signing.signer(AT).kid, signing.rotate(AT).id]
  const { id } = signing.replaceAll(AT + 1)
  expect(kids(signing, AT + 1)).toEqual([id])
  expect(signing.signer(AT + 1).kid).toBe(id)
  expect(old).not.toContain(id)
})

test('retired keys are removed for good, and no others', () => {
  const keys = memoryKeys()
  const signing = testSigning(AT, SIGNING, keys)
  signing.rotate(AT)
  expect(signing.removeRetired(AT + LEAD + KEPT - 1)).toBe(0)
  expect(signing.removeRetired(AT + LEAD + KEPT)).toBe(1)
  expect(keys.all()).toHaveLength(1)
  expect(usesOf(signing, AT + LEAD + KEPT)).toEqual(['signs'])
})

test.each(UPSTREAM_TOKEN_ALGS)(
  'JW-15 a published %s key has only its public members, kid, use and alg, and verifies what the key signs',
  async alg => {
    const signing = testSigning(AT, { ...SIGNING, upstreamTokenAlg: alg })
    const [jwk, ...others] = signing.published(AT)
    const members: Record<SigningAlg, string[]> = {
      ES256: ['crv', 'kty', 'x', 'y'],
      RS256: ['e', 'kty', 'n'],
      Ed25519: ['crv', 'kty', 'x'],
    }
    expect(others).toEqual([])
    expect(Object.keys(jwk ?? {}).toSorted()).toEqual([...members[alg], 'alg', 'kid', 'use'].toSorted())
    const { kid, key } = signing.signer(AT)
    expect(jwk).toMatchObject({ kid, use: 'sig', alg })
    const signed = await new CompactSign(Buffer.from('x')).setProtectedHeader({ alg, kid }).sign(key)
    expect((await compactVerify(signed, await importJWK(jwk ?? {}))).protectedHeader).toEqual({ alg, kid })
  },
)

test('JW-8 a key that does not match its algorithm is rejected when the key file is read', () => {
  const stored = (alg: SigningAlg) =>
    JSON.parse(
      formatKeyFile({
        counter: 0,
        roots: [newRoot(AT)],
        signing: [newSigningKey(alg, { createdAt: AT, signsAt: AT })],
      }),
    ) as { signing: { alg: string; jwk: Record<string, string> }[] }
  const file = stored('ES256')
  const [key] = file.signing
  if (key === undefined) throw new Error('no key')
  for (const change of [
    { alg: 'RS256' },
    { alg: 'Ed25519' },
    { alg: 'none' },
    { alg: 'es256' },
    { jwk: publicJwk(newSigningKey('ES256', { createdAt: AT, signsAt: AT })) },
    { jwk: stored('Ed25519').signing[0]?.jwk },
    { jwk: {} },
    { jwk: { ...key.jwk, crv: 'P-384' } },
    { extra: 1 },
  ]) {
    let message = ''
    try {
      parseKeyFile(JSON.stringify({ ...file, signing: [{ ...key, ...change }] }))
    } catch (error) {
      message = String(error)
    }
    expect(message, JSON.stringify(change)).not.toBe('')
    expect(message).not.toContain(key.jwk['d'])
  }
  expect(() => parseKeyFile(JSON.stringify({ ...file, signing: [key, key] }))).toThrow(/same id/)
})

test('a private key cannot print itself', () => {
  const key = newSigningKey('ES256', { createdAt: AT, signsAt: AT })
  const { d } = key.privateKey.reveal().export({ format: 'jwk' })
  expect(d).toMatch(/^[\w-]{43}$/)
  for (const printed of [JSON.stringify(key), inspect(key, { depth: 9, showHidden: true }), String(key.privateKey)])
    expect(printed).not.toContain(d)
})

test('the key file keeps the signing keys across starts, and a file from before they existed gets one', () => {
  const path = join(folder, 'keys.json')
  const old = JSON.parse(formatKeyFile({ counter: 3, roots: [newRoot(AT)], signing: [] })) as Record<string, unknown>
  delete old['signing']
  writeFileSync(path, JSON.stringify({ ...old, version: 1 }), { mode: 0o600 })
  const open = (now: number) => {
    const keys = openKeys({ file: path }, false, now)
    return { keys, signing: openSigning({ keys: inKeyFile(keys), settings: SIGNING, log: createLog('silent'), now }) }
  }
  const first = open(AT)
  const second = first.signing.rotate(AT + 1).id
  const { keys, signing } = open(AT + 2)
  expect(signing.list(AT + 2)).toEqual(first.signing.list(AT + 2))
  expect(signing.published(AT + 2)).toEqual(first.signing.published(AT + 2))
  expect(signing.signer(AT + 1 + LEAD).kid).toBe(second)
  // Writing the rest of the file preserves them.
  keys.setCounter(9)
  keys.rotate(AT + 3)
  expect(open(AT + 4).signing.list(AT + 4)).toHaveLength(2)
  expect(parseKeyFile(readFileSync(path, 'utf8'))).toMatchObject({ counter: 9, roots: [{}, {}], signing: [{}, {}] })
})

test("keys given as a setting's content without a signing key get a temporary one, with a warning", () => {
  const warnings: string[] = []
  const log = {
    ...createLog('silent'),
    warn: (_fields: object, message: string) => warnings.push(message),
  } as unknown as Log
  const open = (content: string) =>
    openSigning({
      keys: inKeyFile(openKeys({ content: new Secret(content) }, false, AT)),
      settings: SIGNING,
      log,
      now: AT,
    })
  const signing = open(formatKeyFile({ counter: 0, roots: [newRoot(AT)], signing: [] }))
  expect(signing.published(AT)).toHaveLength(1)
  expect(warnings).toEqual([expect.stringContaining('PORCHLIGHT_KEYS')])
  const complete = formatKeyFile({
    counter: 0,
    roots: [newRoot(AT)],
    signing: [newSigningKey('ES256', { createdAt: AT, signsAt: AT })],
  })
  expect(open(complete).signer(AT).kid).toBe(open(complete).signer(AT).kid)
  expect(warnings).toHaveLength(1)
})
