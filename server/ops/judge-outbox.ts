import { HOUR, type UnixMs } from '../base/clock.ts'
import type { MailStore } from '../store/mail-types.ts'
import { type Finding, ok, warn } from './finding.ts'

const STUCK_MS = HOUR

/** What became of recent mails. */
export async function judgeOutbox(store: Pick<MailStore, 'summary'>, now: UnixMs): Promise<Finding[]> {
  const { waiting, oldest, ended } = await store.summary(now - 24 * HOUR)
  const { sent = 0, refused = 0, expired = 0, in_doubt: inDoubt = 0 } = ended
  const findings =
    oldest !== null && now - oldest > STUCK_MS
      ? [
          warn(
            `Mail: ${waiting} wait, the oldest for over an hour`,
            'The log says why (mail_server_unavailable, mail_deferred).',
          ),
        ]
      : [ok(`Mail: ${sent} sent in the last 24 hours, ${waiting} waiting`)]
  if (refused + expired + inDoubt > 0)
    findings.push(
      warn(
        `Mail: in the last 24 hours ${refused} refused, ${expired} given up after two days, ${inDoubt} perhaps delivered`,
        'The security log of an account shows refused mail; its address may be misspelt.',
      ),
    )
  return findings
}
