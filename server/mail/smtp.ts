import { Readable } from 'node:stream'
import { MINUTE, SECOND } from '../base/clock.ts'
import type { MailServer } from '../config/mail-settings.ts'
import { SMTPConnection } from './mail-library.ts'

/** `reason` is a code or the server's reply, for the log: never an address or a text of ours. */
export type Delivery =
  | { outcome: 'sent' }
  /** The server will not take it for this recipient. */
  | { outcome: 'refused'; reason: string }
  /** Not now. */
  | { outcome: 'deferred'; reason: string }
  /** The connection broke after the whole text was sent. */
  | { outcome: 'in_doubt'; reason: string }
  /** The server could not be reached, or refuses us: no mail would get through. */
  | { outcome: 'unavailable'; reason: string }

export interface Envelope {
  from: string
  to: string
}

export interface Smtp {
  /** Never rejects. */
  send(envelope: Envelope, message: Buffer): Promise<Delivery>
  /**
   * Connects and authenticates, without sending anything.
   * @returns null if that succeeded
   */
  check(): Promise<{ reason: string } | null>
}

export interface SmtpLimits {
  /** Until the server has greeted us. */
  connectMs: number
  /** Without a byte. RFC 5321 §4.5.3.2.6 allows ten minutes for the final reply; nobody waits that long for a link. */
  silenceMs: number
  /** For the whole attempt: a server that sends a byte now and then must not hold up every other mail. */
  attemptMs: number
}

const LIMITS: SmtpLimits = { connectMs: 10 * SECOND, silenceMs: 30 * SECOND, attemptMs: 2 * MINUTE }
const MAX_REPLY_BYTES = 64 * 1024

/** One connection for each mail: there are few, and none is left to go stale. */
export function createSmtp(server: MailServer, { connectMs, silenceMs, attemptMs } = LIMITS): Smtp {
  function connect(): SMTPConnection {
    return new SMTPConnection({
      host: server.host,
      port: server.port,
      secure: server.tls === 'implicit',
      requireTLS: server.tls === 'starttls',
      ignoreTLS: server.tls === 'none',
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: silenceMs,
      maxResponseSize: MAX_REPLY_BYTES,
      allowInternalNetworkInterfaces: true,
    })
  }

  /** Runs `work` on an authenticated connection. An error before that is one of the server as a whole. */
  async function withConnection<T>(work: (connection: SMTPConnection) => Promise<T>): Promise<T | Unusable> {
    const connection = connect()
    // Ends what is waited for: `work` by its event, the rest by an error.
    const deadline = setTimeout(() => {
      connection.emit('error', Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' }))
      connection.close()
    }, attemptMs)
    try {
      await new Promise<void>((resolve, reject) => {
        connection.on('error', reject)
        connection.connect(error => (error ? reject(error) : resolve()))
      })
      if (server.auth !== null) await signIn(connection, server.auth)
      const result = await work(connection)
      connection.quit()
      return result
    } catch (error) {
      connection.close()
      return { outcome: 'unavailable', reason: reasonOf(error) }
    } finally {
      clearTimeout(deadline)
    }
  }

  return {
    send: (envelope, message) => withConnection(connection => deliver(connection, envelope, message)),
    async check() {
      const result = await withConnection(async () => null)
      return result === null ? null : { reason: result.reason }
    },
  }
}

function signIn(connection: SMTPConnection, { user, password }: NonNullable<MailServer['auth']>): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.on('error', reject)
    connection.login({ credentials: { user, pass: password.reveal() } }, error => (error ? reject(error) : resolve()))
  })
}

type Unusable = Extract<Delivery, { outcome: 'unavailable' }>

async function deliver(connection: SMTPConnection, { from, to }: Envelope, message: Buffer): Promise<Delivery> {
  let isWritten = false
  const content = Readable.from([message])
  content.once('end', () => {
    isWritten = true
  })
  try {
    await new Promise<void>((resolve, reject) => {
      // Once connected, a broken connection is only reported as an event.
      connection.on('error', reject)
      connection.once('end', () => reject(new Error('connection closed')))
      connection.send({ from, to: [to] }, content, error => (error ? reject(error) : resolve()))
    })
    return { outcome: 'sent' }
  } catch (error) {
    return deliveryOf(error, isWritten)
  }
}

/** What a failed attempt means for the mail. `isWritten`: whether the whole text was sent. */
export function deliveryOf(error: unknown, isWritten: boolean): Delivery {
  const { responseCode, command } = error as { responseCode?: number; command?: string }
  const reason = reasonOf(error)
  // A reply decides, whatever was sent before it. A sender that is refused is not the recipient's fault.
  if (responseCode !== undefined && responseCode !== 421 && command !== 'MAIL FROM')
    return { outcome: responseCode >= 500 ? 'refused' : 'deferred', reason }
  if (responseCode === undefined && isWritten) return { outcome: 'in_doubt', reason }
  return { outcome: 'unavailable', reason }
}

const MAX_REASON = 200

/** The code and the server's reply. Addresses in it are left out: the log names accounts by their id. */
function reasonOf(error: unknown): string {
  const { code, response, message } = error as { code?: string; response?: string; message?: string }
  const said = (response ?? message ?? '').replaceAll(/[^\s<>]+@[^\s<>]+/g, '…').replaceAll(/\s+/g, ' ')
  return `${code ?? 'ERROR'} ${said}`.trim().slice(0, MAX_REASON)
}
