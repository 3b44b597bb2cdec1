import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { hash } from '@node-rs/argon2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../base/log.ts'
import { noMeter } from '../base/meter.ts'
import { newRoot } from '../keys/file.ts'
import { accountRecord } from '../store/records.testing.ts'
import { reseal } from '../keys/reseal.ts'
import { createKeyring } from '../keys/keyring.ts'
import { commonWords } from './common-words.ts'
import { createSharedLimiter } from '../base/shared-limiter.ts'
import { createPasswordRules } from './password-rules.ts'
import { createPasswords } from './passwords.ts'
import { handClock, testPeople, type TestPeople } from './accounts.testing.ts'

/** See foreign-hashes.test.ts. */
const VECTORS = JSON.parse(readFileSync(join(import.meta.dirname, 'foreign-hashes.vectors.json'), 'utf8')) as {
  by: string
  password: string
  hash: string
}[]
const problem = (code: string) => expect.objectContaining({ name: 'Problem', code })
const ANN = { email: 'ann.long-address@example.org', name: 'Ann of the Long Name' }

describe('rules for new passwords', () => {
  const check = (password: string, passwordMinLength = 15, person = ANN) =>
    createPasswordRules(
      {
        passwordMinLength,
        publicUrl: 'https://porch.lamplight.example',
        brand: { name: 'Harbour Books' },
      },
      null,
    ).check(password, person)

  test('ASVS 6.2.1 NI-1 fifteen characters are enough, fourteen are not, and the refusal gives the number', async () => {
    await expect(check('fourteen chars')).rejects.toMatchObject({
      code: 'password_too_short',
      extras: { minLength: 15 },
    })
    await check('fifteen chars !')
  })

  test('NI-2 length is counted in code points: fifteen lamps are fifteen characters', async () => {
    const lamps = '🪔🏮💡🔦🕯️🌟✨🎇🔆🌞🌝⭐🌠🎆🌅'
    await check(lamps)
    await expect(check('🪔🏮'.repeat(7))).rejects.toEqual(problem('password_too_short'))
  })

  test('NI-2 ASVS 6.2.9 up to 1024 characters of any script are accepted, and more are refused rather than truncated', async () => {
    await check('门廊的灯一直亮着，等你回家再关上它')
    await check('שלום'.repeat(4) + ' and 😀')
    await check(Array.from({ length: 1024 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join(''))
    await expect(
      check(Array.from({ length: 1025 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('')),
    ).rejects.toEqual(problem('password_too_long'))
  })

  test('ASVS 6.2.5 kinds of characters do not matter', async () => {
    await check('onlylowercaseletters')
    await check('7461 0283 5519 3')
  })

  test('ASVS 6.2.4 ASVS 6.2.12 NI-5 a common password is refused with the reason in any case; one that merely contains it is not', async () => {
    await expect(check('123456789987654321')).rejects.toMatchObject({
      code: 'password_common',
      extras: { detail: expect.stringContaining('list') as string },
    })
    await expect(check('PasswordPassword')).rejects.toEqual(problem('password_common'))
    await expect(check('FOOTBALL', 8)).rejects.toEqual(problem('password_common'))
    await check('password of a quiet house')
  })

  test.each([
    'dragondragondragon',
    'zzzzzzzzzzzzzzzzzzzz',
    '1234567890123456',
    '9876543210987654',
    'abcdefghijklmnopq',
    'QWERTYUIOPasdfghjkl',
    'password1234567',
    'monkey111111111',
    '123123123123123',
    'qwertyuiop123456',
  ])('NI-5 %s is refused as a common password', async password => {
    await expect(check(password)).rejects.toMatchObject({
      code: 'password_common',
      extras: { detail: expect.stringContaining('variation') as string },
    })
  })

  test.each([
    'Password123456!',
    'passwordpassword!',
    'adminadminadmin1',
    'P@ssw0rdP@ssw0rd',
    '!!!Pa55word2026!!!',
    'Welcome2024Welcome!',
    'p.a.s.s.w.o.r.d.1.2.3',
    'drowssapdrowssap1',
    'Summer2026Summer2026',
    'Ｐａｓｓｗｏｒｄ１２３４５６７',
    'pässwörd-1234567',
    '1qaz2wsx3edc4rfv',
    '1q2w3e4r5t6y7u8i',
    '!@#$%^&*()_+qwerty',
    'acegikmoqsuwy24',
    'qwertzuiopqwertzuiop',
    'abcabcabcabcabc!',
    'aaaaaaaaaaaaaaa1!',
    '19901231Password',
    'dragon-dragon-dragon!',
    'iloveyouiloveyou2',
    'letmein!letmein!',
    'lantern-lantern-lantern-',
    `${'password'.repeat(100)}!`,
    '              x',
  ])('NI-5 %s is refused as a disguised common password or keyboard walk', async password => {
    await expect(check(password)).rejects.toMatchObject({
      code: 'password_common',
      extras: { detail: expect.stringMatching(/list|variation/) as string },
    })
  })

  test.each([
    'porchlight123456',
    'Porchl1ght!Porchl1ght!',
    'PorchLightAdmin2026',
    'lamplight-lamplight',
    'Harbour Books books 1!',
    'ann.long-address1!',
    'Address1234567!',
    'AnnOfTheLongName',
    'annannannannann1',
    'AnnLovesPorchlight!',
    'example.org123456',
    'Password-Ann-2026',
  ])('NI-5 %s is refused as related to the person or the site', async password => {
    await expect(check(password)).rejects.toMatchObject({
      code: 'password_personal',
      extras: { detail: expect.stringContaining('name') as string },
    })
  })

  test('NI-5 a name in another script counts, too', async () => {
    await expect(
      check('李明李明李明李明李明李明李明李明2026', 15, { email: 'a@b.example', name: '李明' }),
    ).rejects.toEqual(problem('password_personal'))
  })

  test('a password of maximum length is judged within a few milliseconds', async () => {
    await commonWords()
    const started = performance.now()
    for (const long of [
      'a1'.repeat(512),
      Array.from({ length: 1024 }, (_, n) => String.fromCharCode(33 + ((n * n * 7) % 90))).join(''),
    ])
      await check(long).catch(() => {})
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  test.each([
    'meadowcoppergiraffetuesday',
    'a lantern left burning',
    'ann keeps a lantern',
    'quiet lantern 0123456789',
    '2718281828459045',
    'password of 1789 porches',
    'kV7#pq2!zR9@',
    '\n'.repeat(3) + 'a quiet porch',
  ])('NI-5 %j only contains common parts, and is accepted', async password => {
    await check(password, 12)
  })

  test("one's own name or address is refused", async () => {
    await expect(check('Ann.Long-Address@example.org')).rejects.toEqual(problem('password_personal'))
    await expect(check('ann of the long name')).rejects.toEqual(problem('password_personal'))
  })

  test('a password with a lone surrogate is refused, because it could not be typed again', async () => {
    await expect(check(`${'x'.repeat(20)}\ud83d`)).rejects.toEqual(problem('invalid_body'))
  })

  test("ASVS 6.2.4 the list has over ten thousand entries, each found exactly; its file's syntax is not taken for passwords", async () => {
    const require = createRequire(import.meta.url)
    const list = JSON.parse(
      readFileSync(require.resolve('@zxcvbn-ts/language-common/src/passwords.json'), 'utf8'),
    ) as string[]
    expect(list.length).toBeGreaterThan(10_000)
    const ranks = await commonWords()
    for (let n = 0; n < list.length; n += 997) expect(ranks.get(list[n] ?? '')).toBe(n + 1)
    for (const other of ['correct horse battery staple', '","', '123456","password', '\\', 'ligh"t'])
      expect(ranks.has(other)).toBe(false)
  })
})

describe('hashing', () => {
  const nothingImported = { importDecoy: async () => null, pause: async () => expect.unreachable('nothing waits') }
  const setUp = (roots = [newRoot(1)]) => {
    const keyring = createKeyring(roots)
    let hashes = 0
    const passwords = createPasswords({
      keyring,
      clock: handClock().clock,
      log: createLog('silent'),
      meter: {
        count() {},
        gauge() {},
        observe: () => {
          hashes++
        },
      },
      ...nothingImported,
    })
    return { keyring, passwords, hashes: () => hashes }
  }

  test('NI-3 the same password typed on another keyboard is the same password', async () => {
    const { passwords } = setUp()
    const composed = 'caf\u00e9 on the p\u00f6rch'
    const sealed = await passwords.seal(composed, 'ann', null)
    expect(await passwords.compare(composed.normalize('NFD'), { id: 'ann', passwordSealed: sealed }, null)).toBe(
      'right',
    )
  })

  test('ASVS 6.2.8 a password is not trimmed, truncated or case-folded', async () => {
    const { passwords } = setUp()
    const typed = ` Ends with a space ${'x'.repeat(200)} `
    const verifier = { id: 'ann', passwordSealed: await passwords.seal(typed, 'ann', null) }
    expect(await passwords.compare(typed, verifier, null)).toBe('right')
    for (const other of [typed.trim(), typed.trimEnd(), typed.toLowerCase(), typed.slice(0, 72), `${typed}x`]) {
      expect(await passwords.compare(other, verifier, null)).toBe('wrong')
    }
  })

  test('ASVS 11.4.2 the stored value is argon2id at the current cost, sealed for one account', async () => {
    const { passwords, keyring } = setUp()
    const sealed = await passwords.seal('a lantern left burning', 'ann', null)
    expect(await keyring.open('at-rest', sealed, 'ann')).toEqual({
      hash: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/) as string,
    })
    expect(await passwords.compare('a lantern left burning', { id: 'bob', passwordSealed: sealed }, null)).toBe('wrong')
  })

  test('a hash with outdated cost matches, and is reported as stale', async () => {
    const { passwords, keyring } = setUp()
    const passwordSealed = keyring.seal(
      'at-rest',
      { hash: await hash('old cost', { memoryCost: 4096, timeCost: 1 }) },
      'ann',
    )
    expect(await passwords.compare('old cost', { id: 'ann', passwordSealed }, null)).toBe('stale')
    expect(await passwords.compare('new cost', { id: 'ann', passwordSealed }, null)).toBe('wrong')
  })

  test("ASVS 6.3.8 no account, another account's seal and a wrong password cost one hash each", async () => {
    const { passwords, hashes } = setUp()
    const verifier = { id: 'ann', passwordSealed: await passwords.seal('right', 'ann', null) }
    await passwords.compare('first', null, null)
    const costs: number[] = []
    for (const one of [null, verifier, { ...verifier, id: 'bob' }]) {
      const before = hashes()
      await passwords.compare('wrong', one, null)
      costs.push(hashes() - before)
    }
    expect(costs).toEqual([1, 1, 1])
  })

  test.each(['192.0.2.7', '2001:db8:0:1::7'])(
    'ASVS 16.5.3 a network that tries 600 passwords at once (%s) does not delay others',
    async network => {
      const { passwords } = setUp()
      const from = (address: string) => ({ userAgent: 'x', network: address })
      const verifier = { id: 'ann', passwordSealed: await passwords.seal('right', 'ann', null) }
      const flood = Array.from({ length: 600 }, () =>
        passwords.compare('wrong', verifier, from(network)).catch((error: { code: string }) => error.code),
      )
      let isOver = false
      void Promise.all(flood).then(() => (isOver = true))
      const others = ['198.51.100.1', '198.51.100.2', '2001:db8:0:2::7', null]
      expect(
        await Promise.all(
          others.map(other => passwords.compare('right', verifier, other === null ? null : from(other))),
        ),
      ).toEqual(others.map(() => 'right'))
      await passwords.seal('a new one', 'bob', from('198.51.100.3'))
      expect(isOver).toBe(false)
      const told = await Promise.all(flood)
      expect([
        told.filter(one => one === 'wrong').length >= 50,
        told.filter(one => one === 'busy').length >= 500,
      ]).toEqual([true, true])
    },
  )

  test('a bounded number of hashes wait, and beyond it the answer is busy at once', async () => {
    const limiter = createSharedLimiter({ atOnce: 2, waiting: 3 })
    let running = 0
    let most = 0
    const releases: (() => void)[] = []
    const work = async () => {
      most = Math.max(most, ++running)
      await new Promise<void>(resolve => releases.push(resolve))
      running--
      return 'done'
    }
    const all = Promise.allSettled(Array.from({ length: 7 }, () => limiter.run(work)))
    for (let done = 0; done < 5; done++) {
      while (releases.length === 0) await new Promise(resolve => setImmediate(resolve))
      releases.shift()?.()
    }
    const results = await all
    expect(results.filter(one => one.status === 'fulfilled')).toHaveLength(5)
    expect(results.filter(one => one.status === 'rejected').map(one => one.reason as unknown)).toEqual([
      problem('busy'),
      problem('busy'),
    ])
    expect(most).toBe(2)
  })

  test('work that fails frees its slot', async () => {
    const limiter = createSharedLimiter({ atOnce: 1, waiting: 0 })
    await expect(limiter.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await limiter.run(async () => 'next')).toBe('next')
  })
})

describe('hashes by another system', () => {
  const DJANGO = VECTORS.find(({ by }) => by.includes('Django') && by.includes('pbkdf2_sha256'))
  const OURS = 'a lantern left burning'

  /** @param durations how long each hash takes, in the order in which they are made */
  function setUp(durations: number[] = [], decoy: string | null = null) {
    const keyring = createKeyring([newRoot(1)])
    const pauses: number[] = []
    let decoys = 0
    let steady = 0
    let isEnd = false
    const passwords = createPasswords({
      keyring,
      clock: {
        now() {
          if (isEnd) steady += durations.shift() ?? 0
          isEnd = !isEnd
          return { wall: 1, steady }
        },
      },
      log: createLog('silent'),
      meter: noMeter,
      importDecoy: async () => {
        decoys++
        return decoy
      },
      pause: async ms => void pauses.push(ms),
    })
    const imported = { id: 'ann', passwordSealed: passwords.sealImported(DJANGO?.hash ?? '', 'ann') }
    return { keyring, passwords, imported, pauses, decoys: () => decoys }
  }

  test('the right password is right, and asks for a hash of ours', async () => {
    const { passwords, imported } = setUp()
    expect(await passwords.compare(DJANGO?.password ?? '', imported, null)).toBe('stale')
    expect(await passwords.compare('another password', imported, null)).toBe('wrong')
    expect(await passwords.compare(DJANGO?.password ?? '', { ...imported, id: 'bob' }, null), 'moved').toBe('wrong')
  })

  test('sealed for its account, so that the database alone neither shows nor moves it', async () => {
    const { keyring, imported } = setUp()
    expect(imported.passwordSealed).not.toContain('pbkdf2')
    expect(await keyring.open('at-rest', imported.passwordSealed, 'bob')).toBeNull()
  })

  test('a text of ours is never read as one of theirs, nor theirs as ours', async () => {
    const { keyring, passwords } = setUp()
    const hash = DJANGO?.hash
    const unmarked = { id: 'ann', passwordSealed: keyring.seal('at-rest', { hash }, 'ann') }
    await expect(passwords.compare(DJANGO?.password ?? '', unmarked, null)).rejects.toThrow()
    const unknown = { id: 'ann', passwordSealed: keyring.seal('at-rest', { hash: 'md5', imported: true }, 'ann') }
    expect(await passwords.compare('', unknown, null)).toBe('wrong')
  })

  test('ASVS 6.3.8 a wrong password takes as long whether the account is unknown, ours or imported', async () => {
    // Our hash for ann; the hash for unknown addresses; the decoy; then one comparison each: unknown, ours, imported, imported and quick.
    const { passwords, imported, pauses, decoys } = setUp([10, 10, 100, 10, 12, 100, 90], DJANGO?.hash ?? '')
    const ours = { id: 'bob', passwordSealed: await passwords.seal(OURS, 'bob', null) }
    expect(await passwords.compare('wrong', null, null)).toBe('wrong')
    expect(await passwords.compare('wrong', ours, null)).toBe('wrong')
    expect(await passwords.compare('wrong', imported, null)).toBe('wrong')
    expect(await passwords.compare('wrong', imported, null)).toBe('wrong')
    expect(pauses).toEqual([115, 113, 25, 35])
    expect(await passwords.compare(OURS, ours, null), 'who knows the password waits for nothing').toBe('right')
    expect(pauses).toHaveLength(4)
    expect(decoys()).toBe(1)
    passwords.imported()
    await passwords.compare('wrong', null, null)
    expect(decoys(), 'measured again after an import').toBe(2)
  })

  test('ASVS 6.3.8 nor does a password in decomposed letters, which takes two comparisons, tell who was imported', async () => {
    const { passwords, imported, pauses } = setUp([10, 100, 10, 200], DJANGO?.hash ?? '')
    const decomposed = 'wro\u0302ng'
    expect(await passwords.compare(decomposed, null, null)).toBe('wrong')
    expect(await passwords.compare(decomposed, imported, null)).toBe('wrong')
    expect(pauses).toEqual([240, 50])
  })
})

describe('resealing', () => {
  let services: TestPeople
  beforeEach(() => {
    services = testPeople()
  })
  afterEach(() => services.close())

  test('ASVS 11.2.2 after a rotation every password is sealed with the newest key, and still works when the old one is gone', async () => {
    const { store, people } = services
    const [oldRoot, newest] = [newRoot(1), newRoot(2)]
    const keyring = createKeyring([oldRoot])
    const passwords = createPasswords({
      keyring,
      clock: services.clock,
      log: services.log,
      meter: services.meter,
      importDecoy: async () => null,
      pause: async () => {},
    })
    const origin = { at: 1, byUserId: null, sessionId: null, userAgent: null, network: null }
    await store.accounts.create(
      accountRecord('ann', { passwordSealed: await passwords.seal('right', 'ann', null), passwordChangedAt: 1 }),
      origin,
    )
    await store.accounts.create(
      accountRecord('bob', { passwordSealed: 'sealed by a key that is lost', passwordChangedAt: 1 }),
      origin,
    )
    keyring.use([{ ...oldRoot, replacedAt: 2 }, newest])
    const { verifiers, replaceVerifier } = store.accounts
    expect(
      await reseal(keyring, { rowsAfter: verifiers, sealedOf: row => row.passwordSealed, replace: replaceVerifier }),
    ).toEqual({ resealed: 1, unreadable: 1 })
    keyring.use([newest])
    const passwordSealed = (await store.accounts.find('ann'))?.passwordSealed ?? ''
    expect(await passwords.compare('right', { id: 'ann', passwordSealed }, null)).toBe('right')
    expect(await people.accounts.find('bob')).toMatchObject({ hasPassword: true })
  })
})
