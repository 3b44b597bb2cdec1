import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../base/clock.ts'
import { captureLog } from '../base/log.testing.ts'
import { noMeter } from '../base/meter.ts'
import { Secret } from '../base/secret.ts'
import { toBrand } from '../config/brand-settings.ts'
import type { Keyring } from '../keys/types.ts'
import { newRoot } from '../keys/file.ts'
import { createKeyring } from '../keys/keyring.ts'
import { accountRecord, codeRecord, NOW, ORIGIN } from '../store/records.testing.ts'
import { rawOf, testStore } from '../store/store.testing.ts'
import { createLetters } from './letters.ts'
import { startMailer } from './mailer.ts'
import type { Delivery } from './smtp.ts'

let at: ReturnType<typeof stage>
beforeEach(() => {
  at = stage()
})
afterEach(() => at.close())

/** A store with mail on, a mailer whose turns the test takes, and an SMTP server that does what the test says. */
function stage() {
  const time = { wall: NOW, steady: 0 }
  const clock = { now: () => ({ ...time }) }
  const { log, events } = captureLog()
  const opened = testStore(clock, log, true)
  const keyring = createKeyring([newRoot(NOW)])
  const sent: { to: string; message: string }[] = []
  const state: { delivery: Delivery | (() => Promise<Delivery>) } = { delivery: { outcome: 'sent' } }
  const start = (ring: Keyring = keyring) =>
    startMailer({
      store: opened.store.mails,
      smtp: {
        async send({ to }, message) {
          sent.push({ to, message: message.toString() })
          return typeof state.delivery === 'function' ? state.delivery() : state.delivery
        },
        check: async () => null,
      },
      mail: {
        server: { host: 'localhost', port: 25, tls: 'none', auth: null },
        from: { address: 'login@porch.example', name: null },
      },
      keyring: ring,
      clock,
      timers: { every: () => () => {} },
      log,
      meter: noMeter,
      config: { publicUrl: 'https://porch.example', brand: toBrand() },
      describeDevice: () => ({ browser: null, system: null, kind: 'other' }),
    })
  let mailer = start()
  const rows = () =>
    rawOf(opened.store).prepare('select kind, outcome, attempts, doubts, sealed, started_at from mails').all() as {
      kind: string
      outcome: string | null
      attempts: number
      doubts: number
      sealed: string | null
      started_at: number | null
    }[]
  return {
    store: opened.store,
    keyring,
    sent,
    state,
    events,
    rows,
    /** Lets the mailer work until it has nothing to do at this time. */
    async turn(passMs = 0) {
      time.wall += passMs
      time.steady += passMs
      await mailer.run()
    },
    /** The same, as far as to an attempt that never ends. */
    async begin() {
      void mailer.run()
      await expect.poll(() => sent.length).toBe(1)
    },
    /** As after a crash: what the old process had in memory is gone. */
    restart(ring?: Keyring) {
      mailer = start(ring)
    },
    async close() {
      await mailer.stop()
      opened.remove()
    },
  }
}

async function queueReset(lifeMs = 3 * DAY) {
  const { store, keyring } = at
  await store.accounts.create(accountRecord('ann', { passwordSealed: 'x' }), ORIGIN)
  const code = codeRecord('reset', 'hash', { email: 'ann@example.org', endsAt: NOW + lifeMs })
  const letter = createLetters({ keyring }).write(
    { kind: 'reset', userId: null, address: 'ann@example.org', language: 'en', codeHash: 'hash' },
    { href: new Secret('https://porch.example/reset#code=secret-code'), lifeMs, by: '' },
  )
  await store.codes.mailReset(code, letter, { ...ORIGIN, at: NOW })
}

test('a mail is sent once, and what was sealed in it is gone afterwards', async () => {
  await queueReset()
  await at.turn()
  await at.turn(HOUR)
  expect(at.sent.map(({ to }) => to)).toEqual(['ann@example.org'])
  expect(at.sent[0]?.message).toContain('secret-code')
  expect(at.rows()).toMatchObject([{ outcome: 'sent', sealed: null }])
})

test('ASVS 16.2.5 neither the address nor the code is in the log or, in clear, in the database', async () => {
  await queueReset()
  expect(at.rows()[0]?.sealed).not.toContain('secret-code')
  at.state.delivery = { outcome: 'deferred', reason: 'EENVELOPE 451 later' }
  await at.turn()
  expect(JSON.stringify(at.events())).not.toMatch(/ann@|secret-code/)
  expect(JSON.stringify(at.events())).toContain('mail_deferred')
})

test('a deferred mail is tried again, later each time, and given up after two days', async () => {
  await queueReset()
  at.state.delivery = { outcome: 'deferred', reason: '451' }
  await at.turn()
  await at.turn(MINUTE - 1)
  expect(at.sent).toHaveLength(1)
  await at.turn(1)
  expect(at.sent).toHaveLength(2)
  for (let hour = 0; hour < 60; hour++) await at.turn(HOUR)
  expect(at.sent.length).toBeLessThan(20)
  expect(at.rows()).toMatchObject([{ outcome: 'expired' }])
})

describe('a mail that may have been delivered', () => {
  test('is sent at most once more, under the same name', async () => {
    await queueReset()
    at.state.delivery = { outcome: 'in_doubt', reason: 'ECONNECTION' }
    for (let hour = 0; hour < 6; hour++) await at.turn(HOUR)
    expect(at.sent).toHaveLength(2)
    const names = at.sent.map(({ message }) => /Message-ID: (\S+)/.exec(message)?.[1])
    expect(new Set(names).size).toBe(1)
    expect(at.rows()).toMatchObject([{ outcome: 'in_doubt', doubts: 2 }])
  })
  test('is recognised after a crash in the middle', async () => {
    await queueReset()
    at.state.delivery = () => new Promise(() => {})
    await at.begin()
    expect(at.rows()[0]?.started_at).not.toBeNull()
    at.state.delivery = { outcome: 'sent' }
    at.restart()
    await at.turn()
    expect(at.rows()).toMatchObject([{ outcome: 'sent', doubts: 1 }])
  })
})

test('a server that is no help pauses everything, costs a mail no attempt, and is reported once', async () => {
  await queueReset()
  at.state.delivery = { outcome: 'unavailable', reason: 'ECONNREFUSED' }
  await at.turn()
  await at.turn(20_000)
  expect(at.sent).toHaveLength(1)
  for (let minute = 0; minute < 60; minute++) await at.turn(MINUTE)
  expect(at.sent.length).toBeLessThan(12)
  at.state.delivery = { outcome: 'sent' }
  await at.turn(15 * MINUTE)
  expect(at.rows()).toMatchObject([{ outcome: 'sent', attempts: 1 }])
  const names = at.events().map(({ event }) => event)
  expect(names.filter(name => name === 'mail_server_unavailable')).toHaveLength(1)
  expect(names).toContain('mail_server_recovered')
})

describe('a mail is not sent', () => {
  test('once its code has expired', async () => {
    await queueReset(30 * MINUTE)
    at.state.delivery = { outcome: 'deferred', reason: '451' }
    await at.turn()
    await at.turn(31 * MINUTE)
    expect(at.sent).toHaveLength(1)
    expect(at.rows()).toMatchObject([{ outcome: 'void', sealed: null }])
  })
  test('once its code was voided', async () => {
    await queueReset()
    await at.store.accounts.setPassword('ann', 'y', ORIGIN)
    await at.turn()
    expect(at.sent.filter(({ message }) => message.includes('secret-code'))).toHaveLength(0)
    expect(at.rows().find(({ kind }) => kind === 'reset')).toMatchObject({ outcome: 'void' })
  })
  test('once the key is gone that it was sealed with', async () => {
    await queueReset()
    at.restart(createKeyring([newRoot(NOW)]))
    await at.turn()
    expect(at.sent).toHaveLength(0)
    expect(at.rows()).toMatchObject([{ outcome: 'void' }])
  })
})

test('a refused mail is in the security log of its account', async () => {
  await queueReset()
  at.state.delivery = { outcome: 'refused', reason: '550' }
  await at.turn()
  expect((await at.store.events.page('ann', null, 10)).map(({ kind }) => kind)).toContain('mail_refused')
})
