import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Clock, SECOND } from '../../base/clock.ts'
import { Jar } from './jar.ts'

/** A site's origin, and the address to connect to, which may be a listener behind it. */
export interface Place {
  origin: string
  host: string
  port: number
  tls: boolean
}

export interface Answer {
  status: number
  headers: string
  setCookies: readonly string[]
  text: string
}

export interface Ask {
  method: string
  path: string
  body: { type: string; text: string } | null
}

const LONGEST_MS = 30 * SECOND

/**
 * A browser as a server sees it: a cookie jar, and the headers of a page's own requests. Each request has its own
 * connection, so that cutting one does not affect others.
 */
export class Browser {
  readonly jar: Jar
  readonly #place: Place
  readonly #clock: Clock

  constructor(place: Place, clock: Clock, jar = new Jar()) {
    this.#place = place
    this.#clock = clock
    this.jar = jar
  }

  /** Another browser with a copy of the cookies. */
  copy(): Browser {
    return new Browser(this.#place, this.#clock, this.jar.copy())
  }

  /** A browser with only those cookies that scripts can read. */
  withoutHttpOnly(): Browser {
    return new Browser(
      this.#place,
      this.#clock,
      this.jar.copy(({ httpOnly }) => !httpOnly),
    )
  }

  get(path: string): Promise<Answer> {
    return this.ask({ method: 'GET', path, body: null })
  }

  /**
   * Sends a request and keeps the cookies that come back.
   * @throws the network's error
   */
  async ask(ask: Ask): Promise<Answer> {
    const answer = await this.#send(ask, false)
    this.jar.take(answer.setCookies, this.#clock.now().wall)
    return answer
  }

  /**
   * Sends a request and hangs up when the response begins: the server has done its work by then, and nothing of it
   * reaches the jar.
   * @returns whether there was a response to lose
   */
  async askAndLose(path: string): Promise<boolean> {
    const { status } = await this.#send({ method: 'GET', path, body: null }, true)
    return status < 500
  }

  #send({ method, path, body }: Ask, lose: boolean): Promise<Answer> {
    const { origin, host, port, tls } = this.#place
    const cookie = this.jar.header(this.#clock.now().wall)
    const options: RequestOptions = {
      method,
      path,
      host,
      port,
      agent: false,
      headers: {
        host: new URL(origin).host,
        'user-agent': 'Mozilla/5.0 (compatible; proof)',
        accept: '*/*',
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'cors',
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'GET' ? {} : { origin }),
        ...(body === null ? {} : { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) }),
      },
    }
    return new Promise((resolve, reject) => {
      const sent = (tls ? httpsRequest : httpRequest)(options, response => {
        const { rawHeaders } = response
        const headers = rawHeaders
          .filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() !== 'set-cookie')
          .join('\n')
        const head = { status: response.statusCode ?? 0, headers, setCookies: response.headers['set-cookie'] ?? [] }
        if (lose) {
          response.destroy()
          return resolve({ ...head, text: '' })
        }
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve({ ...head, text: Buffer.concat(chunks).toString() }))
      })
      sent.on('error', reject)
      sent.setTimeout(LONGEST_MS, () => sent.destroy(new Error('there was no answer for half a minute')))
      sent.end(body?.text)
    })
  }
}
