import { type Clock, SECOND, type SteadyMs, type Timers } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import type { MailConfig } from '../config/mail-settings.ts'
import type { Keyring } from '../keys/types.ts'
import type { MailRecord, MailStore } from '../store/mail-types.ts'
import { messageFor } from './compose-mail.ts'
import { openLetter } from './letters.ts'
import { MAX_DOUBTS, pauseMs, retryAfterMs } from './mail-backoff.ts'
import type { Delivery, Envelope, Smtp } from './smtp.ts'
import { writeMail, type WriteMailDeps } from './write-mail.ts'

export interface MailerDeps extends WriteMailDeps {
  store: MailStore
  smtp: Smtp
  mail: MailConfig
  keyring: Keyring
  clock: Clock
  timers: Timers
  log: Log
  meter: Meter
}

export interface Mailer {
  /** Sends what is due, or waits for a run in progress. Never rejects. */
  run(): Promise<void>
  /** Starts no more attempts, and waits for the one in progress. */
  stop(): Promise<void>
}

const EVERY_MS = SECOND

/**
 * Sends what is in the outbox, one mail after the other. Each is sent until the server has taken or refused it, or two
 * days have passed; if the connection breaks where the server may have taken it, once more and never a third time.
 */
export function startMailer(deps: MailerDeps): Mailer {
  const { store, clock, timers, log } = deps
  let pausedUntil: SteadyMs = 0
  let failures = 0
  let isStopped = false
  let running: Promise<void> | null = null
  /** Records how the latest attempt ended; kept while the store fails, since the mail must not be sent again for that. */
  let unrecorded: (() => Promise<void>) | null = null

  const recovered = store.recover(clock.now().wall)

  async function pass(): Promise<void> {
    await recovered
    await recordLatest()
    while (!isStopped && clock.now().steady >= pausedUntil) {
      const mail = await store.takeNext(clock.now().wall)
      if (mail === null) return
      await attempt(mail)
    }
  }

  async function attempt(mail: MailRecord): Promise<void> {
    const about = { kind: mail.kind, mailId: mail.id, accountId: mail.userId ?? undefined }
    if (mail.doubts >= MAX_DOUBTS) {
      log.warn({ event: 'mail_in_doubt', ...about }, 'gave up on a mail that may have been delivered twice')
      return end(mail, 'in_doubt')
    }
    const message = await messageOf(mail, deps)
    if (message === null) {
      log.warn({ event: 'mail_unreadable', ...about }, 'dropped a mail whose key is gone')
      return end(mail, 'void')
    }
    const delivery = await deps.smtp.send(message.envelope, message.message)
    unrecorded = () => record(mail, delivery, about)
    await recordLatest()
  }

  async function recordLatest(): Promise<void> {
    await unrecorded?.()
    unrecorded = null
  }

  async function record(mail: MailRecord, delivery: Delivery, about: object): Promise<void> {
    const now = clock.now()
    if (delivery.outcome !== 'unavailable' && failures > 0) {
      failures = 0
      log.info({ event: 'mail_server_recovered' }, 'the mail server works again')
    }
    switch (delivery.outcome) {
      case 'sent':
        log.info({ event: 'mail_sent', ...about }, 'mail sent')
        return end(mail, 'sent')
      case 'refused':
        log.warn({ event: 'mail_refused', ...about, reason: delivery.reason }, 'the mail server refused a mail')
        return end(mail, 'refused')
      case 'deferred':
        log.info({ event: 'mail_deferred', ...about, reason: delivery.reason }, 'the mail server deferred a mail')
        return store.postpone(mail.id, now.wall + retryAfterMs(mail.attempts), false)
      case 'in_doubt':
        log.warn(
          { event: 'mail_interrupted', ...about, reason: delivery.reason },
          'the connection broke before the mail server confirmed a mail; it is sent at most once more',
        )
        return store.postpone(mail.id, now.wall + retryAfterMs(mail.attempts), true)
      case 'unavailable':
        failures++
        pausedUntil = now.steady + pauseMs(failures)
        if (failures === 1)
          log.warn(
            { event: 'mail_server_unavailable', reason: delivery.reason },
            'the mail server cannot be used; mails wait, and will be retried',
          )
        return store.putBack(mail.id, now.wall)
      default:
        delivery satisfies never
    }
  }

  async function end(mail: MailRecord, outcome: 'sent' | 'refused' | 'in_doubt' | 'void'): Promise<void> {
    deps.meter.count('mails_total', { outcome })
    await store.finish(mail.id, outcome, clock.now().wall)
  }

  function run(): Promise<void> {
    running ??= pass()
      .catch((error: unknown) => {
        // The store's failure has been counted and logged; a mail that was taken is recovered at the next start.
        log.warn({ event: 'mail_pass_failed', error }, 'failed to work on the outbox; will retry')
      })
      .finally(() => {
        running = null
      })
    return running
  }

  const stopTimer = timers.every(EVERY_MS, () => void run())
  return {
    run,
    async stop() {
      isStopped = true
      stopTimer()
      await running
    },
  }
}

/** null: what is sealed in it cannot be opened any more. */
async function messageOf(mail: MailRecord, deps: MailerDeps): Promise<{ envelope: Envelope; message: Buffer } | null> {
  const { sealed } = mail
  const contents = sealed === null ? null : await openLetter(deps.keyring, { id: mail.id, sealed })
  if (sealed !== null && contents === null) return null
  return messageFor(mail, writeMail(mail, contents, deps), { ...deps.config, mail: deps.mail })
}
