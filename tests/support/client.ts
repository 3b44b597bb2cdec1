import { randomInt } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { SessionAnswer } from '../../server/contract/wire.ts'
import { Jar } from './jar.ts'

export interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  setCookies: string[]
  text: string
  json<T = Record<string, unknown>>(): T
}

export interface Ask {
  method?: string
  /** Sent as it is: nothing is normalised. */
  path: string
  headers?: http.OutgoingHttpHeaders
  /** An object goes out as JSON; a string as it is. */
  body?: unknown
  /** Whether to send what a browser adds to a same-origin request. True unless said otherwise. */
  browserLike?: boolean
  cookies?: boolean
}

/**
 * A browser reduced to what a server can tell of one: a jar, an origin, and the headers a browser adds. Speaks
 * node:http, so that paths, Host and cookies go out exactly as written.
 */
export class Visitor {
  readonly origin: string
  jar: Jar
  /**
   * Where it seems to come from, for a server that believes its proxy: each browser from somewhere else, so that what
   * is counted by network is not counted over all of a test's visitors.
   */
  address = `10.${[randomInt(256), randomInt(256), randomInt(256)].join('.')}`
  userAgent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
  readonly #agent: http.Agent

  constructor(origin: string, options: { jar?: Jar } = {}) {
    this.origin = origin
    this.jar = options.jar ?? new Jar(origin.startsWith('https:'))
    this.#agent = origin.startsWith('https:')
      ? new https.Agent({ keepAlive: true, rejectUnauthorized: false })
      : new http.Agent({ keepAlive: true })
  }

  /** Another browser at the same site, with nothing in its jar. */
  stranger(): Visitor {
    return new Visitor(this.origin)
  }

  /** Another browser holding the same cookies. */
  thief(): Visitor {
    return new Visitor(this.origin, { jar: this.jar.copy() })
  }

  /** Closes its connections, as a browser that is left does. */
  close(): void {
    this.#agent.destroy()
  }

  get(path: string, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.ask({ path, headers })
  }

  /** As a link or the address bar does it. */
  page(path: string, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.ask({
      path,
      headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', ...headers },
    })
  }

  post(path: string, body?: unknown, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.ask({ method: 'POST', path, body, headers })
  }

  /** As a form without JavaScript posts it. */
  form(path: string, fields: Record<string, string>, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.ask({
      method: 'POST',
      path,
      body: new URLSearchParams(fields).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        ...headers,
      },
    })
  }

  async session(headers: http.OutgoingHttpHeaders = {}): Promise<SessionAnswer> {
    return (await this.get('/auth/session', headers)).json<SessionAnswer>()
  }

  async ask({ method = 'GET', path, headers = {}, body, browserLike = true, cookies = true }: Ask): Promise<Answer> {
    const url = new URL(this.origin)
    const cookie = cookies ? this.jar.header() : null
    const isText = typeof body === 'string'
    const payload = body === undefined ? null : isText ? body : JSON.stringify(body)
    const all: http.OutgoingHttpHeaders = {
      'user-agent': this.userAgent,
      host: url.host,
      'x-forwarded-for': this.address,
      ...(browserLike
        ? { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', accept: '*/*', 'accept-language': 'en' }
        : {}),
      ...(browserLike && method !== 'GET' && method !== 'HEAD' ? { origin: this.origin } : {}),
      ...(cookie === null ? {} : { cookie }),
      ...(payload === null ? {} : { 'content-length': Buffer.byteLength(payload) }),
      ...(payload === null || isText ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }
    const answer = await this.#send(
      { method, path, headers: all, host: '127.0.0.1', port: url.port, agent: this.#agent, servername: url.hostname },
      payload,
    )
    this.jar.take(answer.setCookies)
    return answer
  }

  #send(options: https.RequestOptions, payload: string | null): Promise<Answer> {
    const send = this.origin.startsWith('https:') ? https.request : http.request
    return new Promise((resolve, reject) => {
      const request = send(options, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            setCookies: response.headers['set-cookie'] ?? [],
            text,
            json: <T>() => JSON.parse(text) as T,
          })
        })
      })
      request.on('error', reject)
      request.end(payload)
    })
  }
}

/**
 * Writes bytes to the server and gives back all that it writes until it closes: for what no HTTP library would send.
 */
export function rawExchange(port: number, bytes: string, waitMs = 5000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.setTimeout(waitMs, () => socket.destroy())
    socket.on('data', chunk => (answer += chunk.toString('latin1')))
    socket.on('error', error => (answer === '' ? reject(error) : resolve(answer)))
    socket.on('close', () => resolve(answer))
  })
}
