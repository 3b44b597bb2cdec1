import * as v from 'valibot'
import { expect } from 'vitest'
import { CALLS } from '../../contract/calls/all-calls.ts'
import type { Call, CallName } from '../../contract/calls/call.ts'
import { problemsOf } from '../../contract/calls/problems-of.ts'
import { ProblemBody } from '../../contract/problem-codes.ts'

/** The patterns of all calls; those without parameters come first, as `/auth/sessions/:id` has more to say than `:x`. */
const PATTERNS = [...CALLS]
  .map(([name, call]) => {
    const [method = '', path = ''] = name.split(' ')
    return { name, call, method, path: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`) }
  })
  .sort((a, b) => Number(a.name.includes(':')) - Number(b.name.includes(':')))

/** The call that a request reaches, or null. */
function callOf(method: string, path: string): [CallName, Call] | null {
  const found = PATTERNS.find(one => one.method === method.replace('HEAD', 'GET') && one.path.test(path))
  return found === undefined ? null : [found.name, found.call]
}

/**
 * Fails unless a response is among those that are described for its call: status, content type, body and code. A field
 * that is not described fails, too, because it could be anything.
 */
export async function mustConform(method: string, path: string, response: Response): Promise<void> {
  const found = callOf(method, path.replace(/\?.*$/s, ''))
  if (found === null) return
  const [name, call] = found
  const type = response.headers.get('content-type') ?? ''
  const text = await response.clone().text()
  // The tests' router, where a call is not there at all.
  if (response.status === 404 && type.startsWith('text/plain')) return
  if (response.status >= 400) {
    const body: unknown = JSON.parse(text)
    const { code } = v.parse(ProblemBody, body)
    expect(problemsOf(name, call), `${name} answers ${code}, which is not described in contract/calls`).toContain(code)
    expect(Object.keys(body as object).filter(key => !(key in ProblemBody.entries))).toEqual([])
    return
  }
  const answer = call.answers[response.status]
  if (answer === undefined) throw new Error(`${name} answers ${response.status}, which is not described`)
  if (method === 'HEAD' || answer.schema === undefined) return
  expect(type.split(';', 1)[0], name).toBe(answer.type)
  const body: unknown = JSON.parse(text)
  expect(body, `${name} answers more than is described`).toEqual(v.parse(answer.schema, body))
}
