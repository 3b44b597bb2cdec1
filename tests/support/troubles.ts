import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ProblemCode } from '../../server/contract/problem-codes.ts'
import { json } from './hostile-provider.ts'

export interface Trouble {
  what: string
  code: ProblemCode
  answer: (request: IncomingMessage, response: ServerResponse) => void
}

/**
 * Ways of an endpoint not to answer, or not in a way that can be used, and what people are told of it.
 * @param elsewhere where a redirect would lead
 */
export const troubles = (elsewhere: string): Trouble[] => [
  {
    what: 'says 500',
    code: 'provider_unavailable',
    answer: (_, response) => json(response, 500, { error: 'server_error' }),
  },
  { what: 'says 503 in HTML', code: 'provider_unavailable', answer: (_, response) => html(response, 503) },
  {
    what: 'says 429',
    code: 'provider_unavailable',
    answer: (_, response) => json(response, 429, { error: 'slow_down' }),
  },
  { what: 'breaks the connection', code: 'provider_unavailable', answer: request => request.socket.destroy() },
  { what: 'breaks off in the middle', code: 'provider_unavailable', answer: breakOff },
  { what: 'never answers', code: 'provider_unavailable', answer: () => {} },
  { what: 'answers a byte now and then', code: 'provider_unavailable', answer: trickle },
  {
    what: 'sends broken JSON',
    code: 'provider_answer_invalid',
    answer: (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"issuer": "x", '),
  },
  {
    what: 'sends JSON that is a list',
    code: 'provider_answer_invalid',
    answer: (_, response) => json(response, 200, ['issuer']),
  },
  { what: 'sends a page', code: 'provider_answer_invalid', answer: (_, response) => html(response, 200) },
  { what: 'sends more than anybody would', code: 'provider_answer_invalid', answer: flood },
  {
    what: 'sends it elsewhere by 302',
    code: 'provider_answer_invalid',
    answer: (_, response) => response.writeHead(302, { location: elsewhere }).end(),
  },
  {
    what: 'sends it elsewhere by 307',
    code: 'provider_answer_invalid',
    answer: (_, response) => response.writeHead(307, { location: elsewhere }).end(),
  },
]

function html(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Sign in to the Wi-Fi</h1>')
}

function breakOff(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '4000' })
  response.write('{"issuer":', () => request.socket.destroy())
}

/** Never silent for long, and never done. */
function trickle(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 300)
  response.on('close', () => clearInterval(timer))
}

/** Valid JSON without an end: only counting stops it. */
function flood(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"padding":"')
  const chunk = randomBytes(48 * 1024).toString('hex')
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}
