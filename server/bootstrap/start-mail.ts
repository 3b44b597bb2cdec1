import { systemTimers } from '../base/clock.ts'
import { describeDevice } from '../accounts/describe-device.ts'
import type { Mailer } from '../mail/mailer.ts'
import type { Services } from './services.ts'

/** The mail library is only loaded if mail is configured. */
export async function startMail(services: Services): Promise<Mailer | null> {
  const { config, store, keys } = services
  if (config.mail === null) return null
  const [{ startMailer }, { createSmtp }] = await Promise.all([import('../mail/mailer.ts'), import('../mail/smtp.ts')])
  return startMailer({
    ...services,
    store: store.mails,
    keyring: keys.keyring,
    mail: config.mail,
    smtp: createSmtp(config.mail.server),
    timers: systemTimers,
    describeDevice,
  })
}
