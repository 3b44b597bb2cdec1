import * as v from 'valibot'
import { randomId } from '../base/ids.ts'
import { OperatorError } from '../base/operator-error.ts'
import { systemClock } from '../base/clock.ts'
import { loadConfig } from '../config/load-config.ts'
import { Email } from '../contract/email.ts'
import { command, group } from './command.ts'
import { plain, print } from './output.ts'

const test = command({
  name: 'porchlight mail test',
  description: 'Send a mail now, and show what the mail server says',
  args: { address: { type: 'positional', required: true, description: 'Where to send it' } },
  async run(args) {
    const { config } = await loadConfig(process.env, process.cwd())
    if (config.mail === null)
      throw new OperatorError('No mail server is configured.', ['Set PORCHLIGHT_MAIL_URL and PORCHLIGHT_MAIL_FROM.'])
    const address = v.safeParse(Email, args.address)
    if (!address.success) throw new OperatorError(`${plain(args.address)} is not an e-mail address.`)
    const { sendTest } = await import('../mail/send-test.ts')
    const delivery = await sendTest({ ...config, mail: config.mail }, address.output, {
      id: randomId(),
      at: systemClock.now().wall,
    })
    if (delivery.outcome !== 'sent')
      throw new OperatorError(`The mail server ${ADVERBS[delivery.outcome]}: ${plain(delivery.reason)}`)
    print(
      `${config.mail.server.host} took a mail for ${plain(address.output)}. If it does not arrive, look in the spam folder.`,
    )
  },
})

const ADVERBS = {
  refused: 'refused the mail',
  deferred: 'does not take the mail now',
  in_doubt: 'broke the connection, and may have taken the mail',
  unavailable: 'cannot be used',
} as const

export const mail = group('porchlight mail', 'Mail', { test: async () => test })
