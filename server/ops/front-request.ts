import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { pipeline, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Clock, SteadyMs } from '../base/clock.ts'
import { CHECK_HEADER, CHECK_PREFIX, type CheckAction } from './front-check.ts'

export const TIMEOUT_MS = 8000

/** A request sent through the public URL, with its response. `local` is our end of the connection. */
export interface Sent {
  status: number
  local: { address: string; port: number }
  text: string
  arrivals: readonly { at: SteadyMs; text: string }[]
  endedAt: SteadyMs
}

export function isSent(value: unknown): value is Sent {
  return typeof value === 'object' && value !== null && 'local' in value
}

interface Through {
  publicUrl: string
  token: string
  clock: Clock
}
export interface SendOptions {
  method?: string
  headers?: Record<string, string>
  body?: Buffer
}

/** Sends one request on a connection of its own. */
export function sendThrough(
  { publicUrl, token, clock }: Through,
  action: CheckAction,
  { method = 'GET', headers = {}, body }: SendOptions,
): Promise<Sent> {
  const url = new URL(CHECK_PREFIX + action, publicUrl)
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    let local = { address: '', port: 0 }
    const length = body && { 'Content-Length': String(body.length) }
    const call = request(url, {
      method,
      agent: false,
      timeout: TIMEOUT_MS,
      headers: { ...headers, [CHECK_HEADER]: token, ...length },
    })
    call.on('socket', socket =>
      socket.once('connect', () => {
        local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 }
      }),
    )
    call.on('timeout', () => call.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })))
    call.on('error', reject)
    call.on('response', (response: IncomingMessage) => {
      const arrivals: { at: SteadyMs; text: string }[] = []
      let text = ''
      const plainText = decoded(response)
      plainText.on('data', (chunk: Buffer) => {
        if (text.length > 10_000) return
        const part = chunk.toString('utf8')
        arrivals.push({ at: clock.now().steady, text: part })
        text += part
      })
      const done = () =>
        resolve({ status: response.statusCode ?? 0, local, text, arrivals, endedAt: clock.now().steady })
      plainText.on('end', done)
      plainText.on('error', reject)
    })
    call.end(body)
  })
}

/** A response's decompressed stream. */
function decoded(response: IncomingMessage): Readable {
  const inflate = DECODERS[response.headers['content-encoding'] ?? '']
  if (inflate === undefined) return response
  const plainText = inflate()
  // pipeline also forwards the error of a truncated response.
  pipeline(response, plainText, () => {})
  return plainText
}

const DECODERS: Record<string, () => Transform> = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}
