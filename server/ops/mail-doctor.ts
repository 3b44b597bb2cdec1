import { resolveTxt } from 'node:dns/promises'
import type { MailConfig } from '../config/mail-settings.ts'
import { isLoopback } from '../config/address.ts'
import { createSmtp } from '../mail/smtp.ts'
import { fail, type Finding, ok, warn } from './finding.ts'

/** Connects to the mail server as sending would, and looks for what makes receivers distrust the sender. */
export async function examineMail(mail: MailConfig | null): Promise<Finding[]> {
  if (mail === null) return []
  const { server, from } = mail
  const name = `${server.host}:${server.port}`
  const failed = await createSmtp(server).check()
  if (failed !== null)
    return [
      fail(
        `The mail server ${name} cannot be used: ${failed.reason}`,
        'Check PORCHLIGHT_MAIL_URL: host, port, user and password, and whether the server wants smtps:// or smtp://.',
      ),
    ]
  const how = server.tls === 'none' ? 'without TLS' : 'with TLS'
  const isReadable = server.tls === 'none' && !isLoopback(server.host)
  return [
    isReadable
      ? warn(
          `Mail leaves through ${name} without TLS, so one-time links can be read on that network`,
          'Remove ?tls=off from PORCHLIGHT_MAIL_URL once the server supports STARTTLS.',
        )
      : ok(`Mail: ${name} accepts ${server.auth === null ? 'connections' : 'our sign-in'} ${how}`),
    ...(await judgeSpf(from.address.split('@')[1] ?? '')),
  ]
}

/** RFC 7208 §4.5. Without an answer from the DNS there is nothing to say. */
async function judgeSpf(domain: string): Promise<Finding[]> {
  if (isLoopback(domain)) return []
  const records = await resolveTxt(domain).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENODATA' ? [] : null,
  )
  if (records === null) return []
  if (records.some(parts => parts.join('').startsWith('v=spf1'))) return [ok(`Mail: ${domain} has an SPF record`)]
  return [
    warn(
      `Mail: ${domain} has no SPF record, so receivers may treat our mail as spam`,
      'Publish a TXT record that names your mail server, such as "v=spf1 mx -all".',
    ),
  ]
}
