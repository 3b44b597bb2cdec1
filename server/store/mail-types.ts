import type { UnixMs } from '../base/clock.ts'
import type { Language } from '../contract/languages.ts'
import type { MailKind } from '../contract/mail-kinds.ts'

/** Mails that wait to be sent, and for a while those that were. */

/**
 * `in_doubt`: the connection broke twice after the text was sent, so it was delivered or not · `void`: its code was used
 * or voided, or its key is gone · `expired`: the server did not take it for two days
 */
export type MailOutcome = 'sent' | 'refused' | 'in_doubt' | 'void' | 'expired'

export interface MailRecord {
  /** Also names the message (RFC 5322 §3.6.4), so that a mail delivered twice can be recognised. */
  id: string
  kind: MailKind
  /** The account that it concerns; null: an invitation, whose account does not exist yet. */
  userId: string | null
  /** Where it goes, as typed. */
  address: string
  /** The same in the form that is compared. */
  addressKey: string
  /** null: unknown, so it is written in the default language. */
  language: Language | null
  /** What its text needs and nobody may read in the database, such as a link: JSON sealed under `at-rest` with the id. */
  sealed: string | null
  /** The code in it, without which it is void; null: there is none. */
  codeHash: string | null
  /** Who did what it tells about, if it was another account; and from where. */
  byUserId: string | null
  userAgent: string | null
  network: string | null
  createdAt: UnixMs
  /** It is not sent before. */
  nextAt: UnixMs
  attempts: number
  /** Attempts after which it may have been delivered. */
  doubts: number
  /** Set while an attempt is in progress: if still set after a restart, its outcome is unknown. */
  startedAt: UnixMs | null
  endedAt: UnixMs | null
  outcome: MailOutcome | null
}

/** A mail to be queued together with what it is about. */
export type NewMail = Pick<
  MailRecord,
  'id' | 'kind' | 'userId' | 'address' | 'addressKey' | 'language' | 'sealed' | 'codeHash'
>

export interface MailStore {
  /**
   * Queues a mail that is about nothing stored.
   * @returns false if it was suppressed: too many of its kind to that address, or the outbox is full
   */
  queue(mail: NewMail, at: UnixMs): Promise<boolean>
  /** Takes the mail that is due longest, and marks the attempt. One whose code is no longer usable ends as `void`. */
  takeNext(now: UnixMs): Promise<MailRecord | null>
  /** The attempt failed, or its outcome is unknown (`doubt`): try again later. */
  postpone(id: string, nextAt: UnixMs, doubt: boolean): Promise<void>
  /** No attempt was made after all. */
  putBack(id: string, nextAt: UnixMs): Promise<void>
  /** `refused` is also written to the security log of its account. */
  finish(id: string, outcome: MailOutcome, at: UnixMs): Promise<void>
  /**
   * Attempts that a crash interrupted count as doubts.
   * @returns how many there were
   */
  recover(now: UnixMs): Promise<number>
  /** Mails that wait, and how the others ended since then. */
  summary(
    since: UnixMs,
  ): Promise<{ waiting: number; oldest: UnixMs | null; ended: Partial<Record<MailOutcome, number>> }>
}
