/**
 * Why a command or a start cannot go on, in words for the person at the terminal: what is wrong, then what to do. Never
 * sent over HTTP; a `Problem` is what requests get.
 */
export class OperatorError extends Error {
  override readonly name = 'Refusal'
  readonly advice: readonly string[]

  constructor(what: string, advice: readonly string[] = [], cause?: unknown) {
    super(what, { cause })
    this.advice = advice
  }

  /** Everything to print, a line each. */
  get lines(): string[] {
    return [this.message, ...this.advice]
  }
}
