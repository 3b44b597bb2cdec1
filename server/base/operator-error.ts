/**
 * Tells an operator why a command or the start failed, and what to do about it. Shown in the terminal, never sent over
 * HTTP: requests get a `Problem`.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly advice: readonly string[]

  constructor(what: string, advice: readonly string[] = [], cause?: unknown) {
    super(what, { cause })
    this.advice = advice
  }

  /** Everything to print, one line each. */
  get lines(): string[] {
    return [this.message, ...this.advice]
  }
}
