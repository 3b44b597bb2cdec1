import { printable } from './printable.ts'

/** One failed call to a provider, in a form that may be logged. */
export interface CallFailure {
  method: string
  /** Without its query. */
  url: string
  /** null: there was no response. */
  status: number | null
  /** The provider's error code (RFC 6749 §5.2), bounded and printable. */
  error: string | null
  errorDescription: string | null
  /** The network or TLS error: `ECONNREFUSED`. */
  code: string | null
}

interface Sent {
  method: string
  url: string
  headers: Headers
  body: unknown
}
interface Answered {
  status: number
  headers: Headers
  text: string
}

/** Request fields whose values are never logged, even if a provider's message quotes them. */
const SECRET_FIELDS = [
  'code',
  'code_verifier',
  'client_secret',
  'client_assertion',
  'refresh_token',
  'access_token',
  'token',
  'subject_token',
  'actor_token',
  'assertion',
  'password',
  'username',
  'id_token_hint',
  'login_hint',
  'state',
  'nonce',
  'code_challenge',
]
const MAX_CODE_LENGTH = 100
const MAX_DESCRIPTION_LENGTH = 300
/** Error bodies are short; anything longer is an HTML page. */
const MAX_PARSED_LENGTH = 16_384

/** Whether a response may be a failure, so that its text has to be read. */
export function mayFail({ method }: Pick<Sent, 'method'>, status: number): boolean {
  return method === 'POST' || (status >= 300 && status !== 304)
}

/** @returns null if the response is not a failure */
export function failureOf(sent: Sent, { status, headers, text }: Answered): CallFailure | null {
  const isRefused = status >= 300 && status !== 304
  const body = membersOf(text)
  // Some providers send errors with a success status.
  if (!isRefused && (typeof body['access_token'] === 'string' || (body['error'] ?? null) === null)) return null
  const challenge = challengeOf(headers.get('www-authenticate'))
  const redacted = (name: 'error' | 'error_description', max: number) => {
    const value = body[name] ?? challenge[name] ?? null
    return value === null ? null : printable(withoutSecrets(value, secretsOf(sent)), max)
  }
  const words = {
    error: redacted('error', MAX_CODE_LENGTH),
    errorDescription: redacted('error_description', MAX_DESCRIPTION_LENGTH),
  }
  return { ...placeOf(sent), status, ...words, code: null }
}

export function failureOfNetwork(sent: Sent, error: unknown): CallFailure {
  let code: string | null = null
  for (let at: unknown = error; at instanceof Error && code === null; at = at.cause) {
    const { code: found } = at as { code?: unknown }
    code =
      typeof found === 'string'
        ? found
        : at.name === 'TimeoutError'
          ? 'TIMEOUT'
          : at.name === 'TooLarge'
            ? 'TOO_LARGE'
            : null
  }
  return { ...placeOf(sent), status: null, error: null, errorDescription: null, code }
}

function placeOf({ method, url }: Sent): Pick<CallFailure, 'method' | 'url'> {
  const { origin, pathname } = new URL(url)
  return { method, url: printable(origin + pathname) }
}

function membersOf(text: string): Record<string, unknown> {
  if (text.length > MAX_PARSED_LENGTH) return {}
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return /^[\w.]+=[^\s<>]*$/.test(text) ? Object.fromEntries(new URLSearchParams(text)) : {}
  }
}

/** @see RFC 6750 §3 */
function challengeOf(header: string | null): Partial<Record<'error' | 'error_description', string>> {
  const found = [...(header ?? '').slice(0, 2000).matchAll(/\b(error|error_description)="((?:[^"\\]|\\.)*)"/g)]
  return Object.fromEntries(found.map(([, name, value]) => [name, value]))
}

function secretsOf({ url, headers, body }: Sent): string[] {
  const form =
    typeof body === 'string' || body instanceof URLSearchParams ? new URLSearchParams(body) : new URLSearchParams()
  const fields = [form, new URL(url).searchParams].flatMap(each => SECRET_FIELDS.flatMap(name => each.getAll(name)))
  const [scheme = '', credential = ''] = (headers.get('authorization') ?? '').split(' ', 2)
  const basic = scheme.toLowerCase() === 'basic' ? Buffer.from(credential, 'base64').toString() : ''
  const password = basic.slice(basic.indexOf(':') + 1)
  const credentials = [credential, basic, password, formDecoded(password), headers.get('dpop') ?? '']
  return [...fields, ...credentials].filter(secret => secret !== '')
}

const formDecoded = (text: string): string => new URLSearchParams(`x=${text}`).get('x') ?? ''

/**
 * Removes secrets that a provider quotes from the request, whole or in part: any piece of a secret that is long enough
 * is redacted.
 */
export function withoutSecrets(value: unknown, secrets: readonly string[]): string {
  const hidden = (piece: string) => (secrets.some(secret => secret.includes(piece)) ? '[secret]' : piece)
  let text = typeof value === 'string' ? value : JSON.stringify(value)
  for (const secret of secrets) if (secret.length >= 4) text = text.replaceAll(secret, '[secret]')
  return text.replaceAll(/[\w~+/-]{8,}/g, hidden).replaceAll(/[\w-]{8,}/g, hidden)
}
