import type { Context } from 'hono'
import * as v from 'valibot'
import { Problem } from '../../base/problem.ts'
import type { Env } from '../context.ts'

const JSON_TYPE = /^application\/json[\t ]*(?:;|$)/i
const FORM_TYPE = /^application\/x-www-form-urlencoded[\t ]*(?:;|$)/i

type Schema = v.GenericSchema<unknown, unknown>

/** Reads a JSON body. Nothing else passes for JSON: another type could be sent by a form of another site (CS-7).
 * @throws Problem `unsupported_media_type`, `invalid_json`, `invalid_body` with what is wrong by field */
export async function readJson<S extends Schema>(c: Context<Env>, schema: S): Promise<v.InferOutput<S>> {
  if (!JSON_TYPE.test(c.req.header('content-type') ?? '')) throw new Problem('unsupported_media_type')
  return check(schema, parseJson(await c.req.text()))
}

/** Whether a form of ours was posted without JavaScript. */
export function isForm(c: Context<Env>): boolean {
  return FORM_TYPE.test(c.req.header('content-type') ?? '')
}

/** Reads a form post as it came: names and values, each name once.
 * @throws Problem `invalid_body` */
export async function readForm(c: Context<Env>): Promise<Map<string, string>> {
  const pairs = [...new URLSearchParams(await c.req.text())]
  const fields = new Map(pairs)
  if (fields.size !== pairs.length) throw new Problem('invalid_body', { detail: 'A field came twice.' })
  return fields
}

/** Checks a form's fields against the schema of the same call in JSON: an empty field is none, a ticked box is `true`. */
export function checkForm<S extends Schema>(schema: S, fields: ReadonlyMap<string, string>): v.InferOutput<S> {
  const given = [...fields].filter(([name, value]) => value !== '' && name !== 'returnTo')
  return check(schema, Object.fromEntries(given.map(([name, value]) => [name, name === 'remember' ? true : value])))
}

/** @throws Problem `invalid_body` */
function check<S extends Schema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw new Problem('invalid_body', { fields: describe(result.issues) })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  }
  catch {
    // The parser's own message quotes the body, which may hold a password.
    throw new Problem('invalid_json')
  }
}

/** One sentence for each field. Never what was given: it may be a password. */
function describe(issues: readonly v.BaseIssue<unknown>[]): Record<string, string> {
  const fields: [string, string][] = []
  for (const issue of issues) {
    const name = issue.path?.map(item => String(item.key)).join('.').slice(0, 100) ?? ''
    if (!fields.some(([known]) => known === name)) fields.push([name === '' ? 'body' : name, sentence(issue)])
  }
  return Object.fromEntries(fields.slice(0, 20))
}

function sentence(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'There is no such field.'
  switch (issue.type) {
    case 'min_length':
      return 'It is too short.'
    case 'max_length':
      return 'It is too long.'
    case 'email':
      return 'It is not an e-mail address.'
    case 'regex':
      return 'It holds characters that are not allowed.'
    default:
      return issue.received === 'undefined' ? 'It is missing.' : 'It is not of the right kind.'
  }
}
