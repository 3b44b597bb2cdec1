import { elementsOf } from './header-list.ts'

/**
 * What a browser's script may learn of a refusal. To every other challenge a browser either answers with a dialog that
 * asks for a password (Basic, Digest, Negotiate, NTLM), or not at all; and no Authorization of a browser's passes this
 * relay anyway.
 */
const TOLD = new Set(['bearer', 'dpop'])

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+"
const PARAMETER = `${TOKEN}[ \\t]*=[ \\t]*(?:"(?:\\\\.|[^"\\\\])*"|[^\\s",=]+)`
const PARAMETERS_ONLY = new RegExp(`^${PARAMETER}(?:[ \\t]+${PARAMETER})*$`)
/** A scheme, alone or before a token68 or its first parameters. */
const CHALLENGE = new RegExp(`^(${TOKEN})(?:[ \\t]+(?:[\\w.~+/-]+=*|${PARAMETER}(?:[ \\t]+${PARAMETER})*))?$`)

/**
 * One line of WWW-Authenticate (RFC 9110 §11.6.1), which may hold several challenges, less those that are not to be
 * told. What cannot be read for certain is left out: a browser might read it otherwise.
 * @returns null: nothing is left of it
 */
export function toldChallenges(line: string): string | null {
  const told: string[] = []
  let isTold = false
  for (const element of elementsOf(line, false) ?? []) {
    if (PARAMETERS_ONLY.test(element)) {
      if (isTold) told.push(element)
      continue
    }
    const scheme = CHALLENGE.exec(element)?.[1]
    isTold = scheme !== undefined && TOLD.has(scheme.toLowerCase())
    if (isTold) told.push(element)
  }
  return told.length === 0 ? null : told.join(', ')
}
