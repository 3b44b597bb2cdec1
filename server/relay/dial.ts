import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { secureContextOptions } from '../config/tls-setting.ts'
import type { Upstream } from '../config/upstream-config.ts'

/** What connections to an upstream use besides the defaults; made once, since it takes milliseconds. */
export function tlsOptions({ tls }: Pick<Upstream, 'tls'>): { secureContext?: SecureContext } {
  return tls === null ? {} : { secureContext: createSecureContext(secureContextOptions(tls)) }
}

/**
 * In TLS 1.3 a server judges the client's certificate, or its absence, after the handshake: it then sends a ticket, or
 * refuses.
 */
const VERDICT_MS = 300

/**
 * Opens a connection as the relay would, with TLS where the target has it, and closes it.
 * @returns null if that works; otherwise the code of Node or OpenSSL, such as `ECONNREFUSED`. Never rejects.
 */
export function dial(upstream: Pick<Upstream, 'target' | 'tls'>, timeoutMs: number): Promise<string | null> {
  return new Promise(resolve => {
    const { socket, opened } = open(upstream)
    const answer = (failure: string | null) => {
      clearTimeout(late)
      socket.destroy()
      resolve(failure)
    }
    const late = setTimeout(answer, timeoutMs, 'ETIMEDOUT')
    socket.on('error', (error: NodeJS.ErrnoException) => answer(error.code ?? 'unreachable'))
    socket.once(opened, () => {
      if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3') return answer(null)
      socket.once('session', () => answer(null))
      socket.once('close', () => answer('ECONNRESET'))
      setTimeout(answer, VERDICT_MS, null).unref()
    })
  })
}

function open({ target, tls }: Pick<Upstream, 'target' | 'tls'>): { socket: Socket; opened: string } {
  const { protocol, hostname, port } = new URL(target.origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (protocol === 'http:') return { socket: connect({ host, port: Number(port) || 80 }), opened: 'connect' }
  const servername = isIP(host) === 0 ? { servername: host } : {}
  const options = { host, port: Number(port) || 443, ...servername, ...tlsOptions({ tls }) }
  return { socket: connectTls(options), opened: 'secureConnect' }
}
