import { PROBLEMS, type ProblemBody, type ProblemCode } from '../contract/problem-codes.ts'

type Extras = Partial<
  Pick<ProblemBody, 'detail' | 'fields' | 'retryAfter' | 'minLength' | 'maxAge' | 'acr' | 'provider'>
>

/** An error in a form that is safe to send to clients. `cause` is only logged and never leaves the server. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly extras: Extras
  #accountId: string | null = null

  constructor(code: ProblemCode, extras: Extras = {}, cause?: unknown) {
    super(PROBLEMS[code].title, { cause })
    this.code = code
    this.extras = extras
  }

  get status(): number {
    return PROBLEMS[this.code].status
  }

  /** Records which account the problem concerns; only logged, never sent. The first call wins. */
  about(accountId: string | null): this {
    this.#accountId ??= accountId
    return this
  }

  get accountId(): string | null {
    return this.#accountId
  }

  body(requestId: string): ProblemBody {
    const { status, title } = PROBLEMS[this.code]
    return { type: 'about:blank', title, status, code: this.code, ...this.extras, requestId }
  }
}
