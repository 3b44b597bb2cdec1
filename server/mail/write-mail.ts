import { DAY, MINUTE, type UnixMs } from '../base/clock.ts'
import type { Config } from '../config/types.ts'
import { type Language, LANGUAGES } from '../contract/languages.ts'
import type { MailKind } from '../contract/mail-kinds.ts'
import type { WireDevice } from '../contract/wire.ts'
import type { MailRecord } from '../store/mail-types.ts'
import { type RenderedMail, renderMail } from './render-mail.ts'
import { en } from './texts/en.ts'
import type { MailFacts, MailTexts } from './texts/mail-text.ts'
import { zhCN } from './texts/zh-cn.ts'

const TEXTS: Record<Language, MailTexts> = { en, 'zh-CN': zhCN }

/** Their readers need not be signed in, or not to the account that a browser shows. */
const LEADS_TO_SIGN_IN: ReadonlySet<MailKind> = new Set<MailKind>(['reset_elsewhere', 'email_in_use'])

export interface WriteMailDeps {
  config: Pick<Config, 'publicUrl' | 'brand'>
  describeDevice: (userAgent: string) => WireDevice
}

/** @param contents what was sealed in it; null: it brings no link of its own, and leads to the account */
export function writeMail(
  mail: Pick<MailRecord, 'kind' | 'address' | 'createdAt' | 'language' | 'userAgent' | 'network' | 'byUserId'>,
  contents: { href: string; lifeMs: number; by: string } | null,
  { config, describeDevice }: WriteMailDeps,
): RenderedMail {
  const language = mail.language ?? LANGUAGES[0]
  const texts = TEXTS[language]
  const facts: MailFacts = {
    site: config.brand.name,
    host: new URL(config.publicUrl).host,
    address: mail.address,
    href: contents?.href ?? config.publicUrl + (LEADS_TO_SIGN_IN.has(mail.kind) ? '/sign-in' : '/account'),
    by: contents?.by ?? '',
    life: lifeOf(contents?.lifeMs ?? 0, texts),
    at: timeOf(mail.createdAt, language),
    device: mail.userAgent === null ? '' : deviceOf(describeDevice(mail.userAgent), texts),
    network: mail.network ?? '',
    // The command line has no network.
    byAdministrator: mail.byUserId !== null || mail.network === null,
  }
  return renderMail(texts.kinds[mail.kind](facts), texts, config.brand, language)
}

function lifeOf(ms: number, { days, minutes }: MailTexts): string {
  return ms >= DAY ? days(Math.floor(ms / DAY)) : minutes(Math.floor(ms / MINUTE))
}

/** In UTC, because the reader's time zone is unknown. */
function timeOf(at: UnixMs, language: Language): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'long', timeZone: 'UTC' }).format(at)
}

function deviceOf({ browser, system }: WireDevice, texts: MailTexts): string {
  return browser === null && system === null ? texts.unknown : texts.device(browser, system)
}
