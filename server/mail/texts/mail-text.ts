import type { MailKind } from '../../contract/mail-kinds.ts'

/** What a text may mention. Times and devices are written out in the language of the mail. */
export interface MailFacts {
  /** The site's name. */
  site: string
  /** The site's host, for the reader to recognise. */
  host: string
  /** The account's address. */
  address: string
  /** The link that the mail brings; '' if it brings none. */
  href: string
  /** Who invites; '' if it was the operator. */
  by: string
  /** How long the link works; '' if there is none. */
  life: string
  at: string
  /** Such as "Firefox on Linux". */
  device: string
  network: string
  /** Whether an administrator did it, rather than the account's owner. */
  byAdministrator: boolean
}

export interface MailText {
  subject: string
  paragraphs: string[]
  /** The one button. */
  action: { label: string; href: string } | null
  /** When, from where and by what it happened. */
  details: { label: string; value: string }[]
  /** What to do if it was not the reader. */
  footnote: string
}

export interface MailTexts {
  kinds: Record<MailKind, (facts: MailFacts) => MailText>
  /** Under a button, for readers whose mail program shows none. */
  linkBelow: string
  minutes: (count: number) => string
  days: (count: number) => string
  device: (browser: string | null, system: string | null) => string
  unknown: string
}
