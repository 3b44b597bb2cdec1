import { PROBLEMS, type ProblemBody, type ProblemCode } from '../../../server/contract/problem-codes.ts'
import type { Answer } from '../client.ts'

/** One answer as it came over the wire. Names are in lower case; a header that came twice has both values. */
export interface WireAnswer {
  status: number
  headers: Map<string, string[]>
  body: string
  trailers: Map<string, string[]>
}

/** Everything that a connection said, answer by answer. Interim ones (1xx) are left out; 101 is the last. */
export function answersIn(bytes: Buffer): WireAnswer[] {
  const answers: WireAnswer[] = []
  let rest = bytes.toString('latin1')
  while (rest !== '') {
    const head = /^HTTP\/1\.1 (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest)
    if (head === null) {
      if (answers.length > 0 || !rest.startsWith('HTTP/1.1 '))
        throw new Error(`this is no answer: ${JSON.stringify(rest.slice(0, 200))}`)
      // Cut by the end of the connection.
      return answers
    }
    const status = Number(head[1])
    const headers = headersOf(head[2] ?? '')
    rest = rest.slice(head[0].length)
    if (status >= 100 && status < 200 && status !== 101) continue
    // Where the next one follows at once, this was the answer to HEAD: no body of ours begins so.
    const empty = status === 101 || status === 204 || status === 304 || rest.startsWith('HTTP/1.1 ')
    const { body, length, trailers = new Map() } = empty ? { body: '', length: 0 } : bodyOf(rest, headers)
    answers.push({ status, headers, body, trailers })
    rest = status === 101 ? '' : rest.slice(length)
  }
  return answers
}

function headersOf(lines: string): Map<string, string[]> {
  const headers = new Map<string, string[]>()
  for (const line of lines.split('\r\n').filter(each => each !== '')) {
    const at = line.indexOf(':')
    const name = line.slice(0, at).toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), line.slice(at + 1).trim()])
  }
  return headers
}

function bodyOf(
  text: string,
  headers: Map<string, string[]>,
): { body: string; length: number; trailers?: Map<string, string[]> } {
  const [said] = headers.get('content-length') ?? []
  if (said !== undefined) return { body: text.slice(0, Number(said)), length: Number(said) }
  if (!/chunked/i.test(headers.get('transfer-encoding')?.[0] ?? '')) return { body: text, length: text.length }
  let body = ''
  let at = 0
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/i.exec(text.slice(at))
    if (size === null) return { body, length: text.length }
    const bytes = Number.parseInt(size[1] ?? '', 16)
    at += size[0].length
    if (bytes === 0) {
      const [lines = ''] = /^(?:[^\r\n]+\r\n)*/.exec(text.slice(at)) ?? []
      return { body, length: at + lines.length + 2, trailers: headersOf(lines) }
    }
    body += text.slice(at, at + bytes)
    at += bytes + 2
  }
}

/** The same of an answer that an HTTP library has read. */
export function wireAnswer({ status, headers, text }: Answer): WireAnswer {
  return {
    status,
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value ?? []].flat()])),
    body: text,
    trailers: new Map(),
  }
}

/** What a stack, a path of ours or a file of ours looks like. */
const STACK = /^\s+at .+(?::\d+:\d+|<anonymous>)\)?$|node_modules\/|server\/[\w/.-]+\.ts\b|file:\/\/\//m

/**
 * @param relayed whether an upstream may have written it: then its status and body are the upstream's
 * @param ownPolicy whether the upstream serves documents: then it says itself what these may do
 * @throws unless it is an answer of ours that anybody may see: no 500, our headers, and for a refusal a code that
 * clients know
 */
export function judge(answer: WireAnswer, { relayed = false, ownPolicy = false } = {}): void {
  const { status, body } = answer
  if (status === 101) return
  if ((status === 500 && !relayed) || status < 200 || status > 599)
    throw new Error(`an answer with status ${status}: ${body.slice(0, 500)}`)
  for (const fault of [headersFault(answer, ownPolicy), status >= 400 && !relayed ? refusalFault(answer) : null]) {
    if (fault !== null)
      throw new Error(
        `${status}: ${fault}: ${body.slice(0, 500)}\n${[...answer.headers].map(pair => pair.join(': ')).join('\n')}`,
      )
  }
  if (STACK.test(body) && status >= 400 && !relayed)
    throw new Error(`${status}: a stack, or a file of ours, in ${body.slice(0, 500)}`)
}

const only = (answer: WireAnswer, name: string): string => answer.headers.get(name)?.join(' / ') ?? ''

/** HD-12: what every answer carries, whoever wrote it. */
function headersFault(answer: WireAnswer, ownPolicy: boolean): string | null {
  if (only(answer, 'x-content-type-options') !== 'nosniff') return 'nosniff is missing, or there twice'
  if (only(answer, 'cross-origin-opener-policy') !== 'same-origin') return 'no cross-origin-opener-policy'
  if (only(answer, 'cross-origin-resource-policy') !== 'same-origin') return 'no cross-origin-resource-policy'
  if (!only(answer, 'permissions-policy').includes('camera=()')) return 'no permissions-policy'
  if (!ownPolicy && !only(answer, 'content-security-policy').includes("frame-ancestors 'none'"))
    return 'no policy against frames'
  if (!answer.headers.has('referrer-policy')) return 'no referrer-policy'
  if (!answer.headers.has('x-request-id')) return 'no x-request-id'
  return answer.headers.has('cache-control') ? null : 'nothing said of caches'
}

function refusalFault(answer: WireAnswer): string | null {
  const type = only(answer, 'content-type')
  if (!only(answer, 'cache-control').includes('no-store')) return 'a refusal that caches may keep'
  if (type.startsWith('text/html')) return /charset=utf-8/i.test(type) ? null : 'a page without its charset'
  // The answer to HEAD, or one whose client was not there for the rest.
  if (answer.body === '') return null
  if (type !== 'application/problem+json') return `a refusal as ${type === '' ? 'nothing in particular' : type}`
  const problem = JSON.parse(answer.body) as ProblemBody
  if (!(problem.code in PROBLEMS)) return `no code of ours: ${String(problem.code)}`
  const { status } = PROBLEMS[problem.code as ProblemCode]
  return status === answer.status && problem.status === status ? null : `the code ${problem.code} with another status`
}
