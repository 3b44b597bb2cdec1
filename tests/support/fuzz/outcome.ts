/** Processes that are started at the same time: each takes a core for a moment. */
export const STARTS_AT_ONCE = 4

/**
 * A program that was given something wrong works, or says in words what is wrong: it neither crashes nor shows a
 * secret.
 * @throws when it does
 */
export function expectOutcome(code: number | null, output: string, secrets: readonly string[]): void {
  if (code !== 0 && code !== 1) throw new Error(`it ended with ${String(code)}:\n${output.slice(-3000)}`)
  if (/^\s+at .+(?::\d+|<anonymous>|native)\)?$/m.test(output)) throw new Error(`a stack:\n${output.slice(-3000)}`)
  if (code === 1 && !/\p{L}{3,} \p{L}{2,}/u.test(output)) throw new Error(`it was refused without words: ${output}`)
  for (const secret of secrets)
    if (output.includes(secret)) throw new Error(`a secret is shown:\n${output.slice(0, 3000)}`)
}
