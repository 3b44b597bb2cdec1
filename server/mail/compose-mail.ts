import { toEmailKey } from '../base/email-key.ts'
import type { MailConfig } from '../config/mail-settings.ts'
import type { Config } from '../config/types.ts'
import type { MailRecord } from '../store/mail-types.ts'
import { MailComposer } from './mail-library.ts'
import type { RenderedMail } from './render-mail.ts'
import type { Envelope } from './smtp.ts'

/**
 * The message as it is sent (RFC 5322). Its name is the same on each attempt, so that a mail delivered twice is shown
 * once.
 */
export async function messageFor(
  mail: Pick<MailRecord, 'id' | 'address' | 'createdAt'>,
  { subject, text, html }: RenderedMail,
  { publicUrl, brand, mail: { from } }: Pick<Config, 'publicUrl' | 'brand'> & { mail: MailConfig },
): Promise<{ envelope: Envelope; message: Buffer }> {
  const to = mailboxOf(mail.address)
  const composer = new MailComposer({
    messageId: `<${mail.id}@${new URL(publicUrl).hostname}>`,
    date: new Date(mail.createdAt),
    from: { name: from.name ?? brand.name, address: from.address },
    to: { name: '', address: to },
    subject,
    text,
    html,
    headers: {
      // No holiday replies to it (RFC 3834 §5), nor from Exchange.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
    // What a text looks like never decides where its content comes from.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return { envelope: { from: mailboxOf(from.address), to }, message: await composer.compile().build() }
}

/** The local part as typed, since a mailbox may distinguish its case; the domain in punycode (RFC 5321 §2.4). */
function mailboxOf(address: string): string {
  const local = address.slice(0, address.lastIndexOf('@'))
  const domain = toEmailKey(address).split('@').at(-1) ?? ''
  return `${local}@${domain}`
}
