/**
 * The errors of this service, with status and title (RFC 9457). It is a separate service from the one in front of it,
 * so it has its own list.
 */
const REFUSALS = {
  bad_request: { status: 400, title: 'The request could not be understood' },
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_body: { status: 400, title: 'Some fields are missing or invalid' },
  invalid_token: { status: 401, title: 'A valid access token is needed' },
  not_found: { status: 404, title: 'There is no such note' },
  method_not_allowed: { status: 405, title: 'This address does not support that method' },
  notes_full: { status: 409, title: 'There is no room for another note' },
  body_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'This address requires JSON' },
  upgrade_required: { status: 426, title: 'This address requires a WebSocket' },
  slow_down: { status: 429, title: 'Too many changes at once; wait a moment' },
  too_many_streams: { status: 429, title: 'Too many pages are open at once' },
  internal: { status: 500, title: 'Something went wrong' },
  keys_unreachable: { status: 503, title: 'The keys for verifying tokens cannot be fetched right now' },
} as const

export type RefusalCode = keyof typeof REFUSALS

interface Extras {
  detail?: string
  /** Invalid fields by name, each with what is expected. */
  fields?: Record<string, string>
  headers?: Record<string, string>
}

/** An error that is safe to send. `cause` is for the log. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: RefusalCode
  readonly extras: Extras

  constructor(code: RefusalCode, extras: Extras = {}, cause?: unknown) {
    super(REFUSALS[code].title, { cause })
    this.code = code
    this.extras = extras
  }

  get status(): number {
    return REFUSALS[this.code].status
  }

  get headers(): Record<string, string> {
    return { ...this.extras.headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  }

  get body(): string {
    const { detail, fields } = this.extras
    return JSON.stringify({
      type: 'about:blank',
      title: this.message,
      status: this.status,
      code: this.code,
      detail,
      fields,
    })
  }
}
