import type { AddressInfo } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface ReceivedMail {
  to: string
  from: string
  mail: Email
}

/** What the server does with the next mail. */
export type Behaviour =
  | 'accept'
  /** 550 for the recipient. */
  | 'refuse'
  /** 451 for the recipient, as a greylisting server does at first. */
  | 'defer'
  /** Takes the whole text and closes the connection without a reply. */
  | 'drop'
  /** 554 for the sender. */
  | 'refuse_sender'

function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

/** A real SMTP server on loopback, whose behaviour a test sets for each mail. */
export async function startMailServer(options: SMTPServerOptions = {}) {
  const received: ReceivedMail[] = []
  const state = { behaviour: 'accept' as Behaviour, attempts: 0, credentials: null as string | null }
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onAuth({ username, password }, _session, done) {
      state.credentials = `${username}:${password}`
      if (password === 'wrong') done(reply(535, 'no such user'))
      else done(null, { user: username })
    },
    onMailFrom(_address, _session, done) {
      done(state.behaviour === 'refuse_sender' ? reply(554, 'sender not allowed') : null)
    },
    onRcptTo({ address }, _session, done) {
      state.attempts++
      if (state.behaviour === 'refuse') done(reply(550, `<${address}> unknown here`))
      else if (state.behaviour === 'defer') done(reply(451, 'try again later'))
      else done()
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        void PostalMime.parse(Buffer.concat(chunks)).then(mail => {
          received.push({ to: rcptTo[0]?.address ?? '', from: mailFrom === false ? '' : mailFrom.address, mail })
          if (state.behaviour === 'drop') server.connections.forEach(connection => connection._socket.destroy())
          else done()
        })
      })
    },
    ...options,
  })
  // A client that is cut off on purpose.
  server.on('error', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.server.address() as AddressInfo
  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    received,
    state,
    /** Mails to that address, oldest first. */
    to: (address: string) => received.filter(mail => mail.to === address),
    close: () => new Promise<void>(resolve => server.close(() => resolve())),
  }
}

export type MailServer = Awaited<ReturnType<typeof startMailServer>>

/** The link in a mail, as a reader of its plain text sees it. */
export function linkIn({ mail }: ReceivedMail): string {
  const [link] = /https?:\/\/\S+/.exec(mail.text ?? '') ?? []
  if (link === undefined) throw new Error(`no link in ${mail.text}`)
  return link
}
