import { WHOLE } from '../config/token-calls.ts'

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'
const MAX_TOKEN_LENGTH = 16_384

/** A request body of named values. The name `.` is the whole body, and then the only one. */
export function encoded(as: 'form' | 'json', fields: Record<string, string>): { type: string; text: string } {
  return as === 'json'
    ? { type: JSON_TYPE, text: JSON.stringify(fields[WHOLE] ?? nested(fields)) }
    : { type: FORM_TYPE, text: new URLSearchParams(fields).toString() }
}

interface Nested {
  [name: string]: string | Nested
}

/** Dots in a name lead into objects, as they do when an answer is read. */
function nested(fields: Record<string, string>): Nested {
  const whole = Object.create(null) as Nested
  for (const [path, value] of Object.entries(fields)) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    let at = whole
    for (const name of names) at = (at[name] ??= Object.create(null) as Nested) as Nested
    at[last] = value
  }
  return whole
}

/** JSON, whatever the response calls it, or a form; otherwise its text. null: nothing */
export function parsed(text: string, headers: Headers): unknown {
  if (text === '') return null
  if (headers.get('content-type')?.toLowerCase().startsWith(FORM_TYPE) === true)
    return Object.fromEntries(new URLSearchParams(text))
  try {
    return JSON.parse(text)
  } catch {
    return text.trim()
  }
}

/** The Bearer syntax (RFC 6750 §2.1), with a length limit. */
export function isToken(text: string): boolean {
  return text.length <= MAX_TOKEN_LENGTH && /^[\w\-.~+/]+=*$/.test(text)
}
