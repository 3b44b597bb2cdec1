import { PROBLEMS, type ProblemBody, type ProblemCode } from '../contract/problem-codes.ts'

type Extras = Partial<Pick<ProblemBody, 'detail' | 'fields' | 'retryAfter' | 'minLength' | 'maxAge' | 'provider'>>

/** What went wrong, in a form that may be told. `cause` is for the log and never leaves the server. */
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

  /** Whose account it is about, for the log: never told. The first to say so is right. */
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
