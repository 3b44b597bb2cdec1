import type { UnixMs } from '../base/clock.ts'
import type { MailConfig } from '../config/mail-settings.ts'
import type { Config } from '../config/types.ts'
import type { MailRecord } from '../store/mail-types.ts'
import { messageFor } from './compose-mail.ts'
import { createSmtp, type Delivery } from './smtp.ts'
import { writeMail } from './write-mail.ts'

/** Sends a mail past the outbox, to see at once what the server says. */
export async function sendTest(
  config: Pick<Config, 'publicUrl' | 'brand'> & { mail: MailConfig },
  address: string,
  { id, at }: { id: string; at: UnixMs },
): Promise<Delivery> {
  const mail: Pick<
    MailRecord,
    'id' | 'kind' | 'address' | 'createdAt' | 'language' | 'userAgent' | 'network' | 'byUserId'
  > = {
    id,
    kind: 'test',
    address,
    createdAt: at,
    language: null,
    userAgent: null,
    network: null,
    byUserId: null,
  }
  const nothing = { browser: null, system: null, kind: 'other' } as const
  const rendered = writeMail(mail, null, { config, describeDevice: () => nothing })
  const { envelope, message } = await messageFor(mail, rendered, config)
  return createSmtp(config.mail.server).send(envelope, message)
}
