import type { Context } from 'hono'
import type * as v from 'valibot'
import { checkFields } from '../../base/check-fields.ts'
import { Problem } from '../../base/problem.ts'
import type { Env } from '../request/hono-env.ts'

const JSON_TYPE = /^application\/json[\t ]*(?:;|$)/i
const FORM_TYPE = /^application\/x-www-form-urlencoded[\t ]*(?:;|$)/i

type Schema = v.GenericSchema<unknown, unknown>

/**
 * Reads a JSON body. Other content types are refused, because another site's form could send them (CS-7).
 * @throws Problem `unsupported_media_type`, `invalid_json`, `invalid_body` with the problems by field
 */
export async function readJson<S extends Schema>(c: Context<Env>, schema: S): Promise<v.InferOutput<S>> {
  if (!JSON_TYPE.test(c.req.header('content-type') ?? '')) throw new Problem('unsupported_media_type')
  return checkFields(schema, parseJson(await c.req.arrayBuffer()))
}

/** Whether one of our forms was posted without JavaScript. */
export function isForm(c: Context<Env>): boolean {
  return FORM_TYPE.test(c.req.header('content-type') ?? '')
}

/**
 * Reads a form post: names and values, each name once.
 * @throws Problem `invalid_body`
 */
export async function readForm(c: Context<Env>): Promise<Map<string, string>> {
  const pairs = [...new URLSearchParams(await c.req.text())]
  const fields = new Map(pairs)
  if (fields.size !== pairs.length) throw new Problem('invalid_body', { detail: 'A field was sent twice.' })
  return fields
}

/**
 * Validates a form's fields with the schema of the same call in JSON: empty fields are dropped, and a ticked box is
 * `true`.
 */
export function checkForm<S extends Schema>(schema: S, fields: ReadonlyMap<string, string>): v.InferOutput<S> {
  const given = [...fields].filter(([name, value]) => value !== '' && name !== 'returnTo')
  return checkFields(
    schema,
    Object.fromEntries(given.map(([name, value]) => [name, name === 'remember' ? true : value])),
  )
}

/**
 * Strict, because JSON is UTF-8 (RFC 8259 §8.1): if read leniently, passwords with different invalid bytes would be
 * equal.
 */
const UTF8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes))
  } catch {
    // The parser's own message quotes the body, which may contain a password.
    throw new Problem('invalid_json')
  }
}
