import { elementsOf } from './header-list.ts'

/**
 * The challenges that may reach a browser's script. Browsers answer any other with a password dialog (Basic, Digest,
 * Negotiate, NTLM) or not at all, and this relay never forwards a browser's Authorization anyway.
 */
const ALLOWED = new Set(['bearer', 'dpop'])

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+"
const PARAMETER = `${TOKEN}[ \\t]*=[ \\t]*(?:"(?:\\\\.|[^"\\\\])*"|[^\\s",=]+)`
const PARAMETERS_ONLY = new RegExp(`^${PARAMETER}(?:[ \\t]+${PARAMETER})*$`)
/** A scheme, alone or before a token68 or its first parameters. */
const CHALLENGE = new RegExp(`^(${TOKEN})(?:[ \\t]+(?:[\\w.~+/-]+=*|${PARAMETER}(?:[ \\t]+${PARAMETER})*))?$`)

/**
 * Filters one line of WWW-Authenticate (RFC 9110 §11.6.1), which may contain several challenges. Anything ambiguous is
 * dropped, because a browser might parse it differently.
 * @returns the allowed challenges, or null if there are none
 */
export function allowedChallenges(line: string): string | null {
  const allowed: string[] = []
  let isAllowed = false
  for (const element of elementsOf(line, false) ?? []) {
    if (PARAMETERS_ONLY.test(element)) {
      if (isAllowed) allowed.push(element)
      continue
    }
    const scheme = CHALLENGE.exec(element)?.[1]
    isAllowed = scheme !== undefined && ALLOWED.has(scheme.toLowerCase())
    if (isAllowed) allowed.push(element)
  }
  return allowed.length === 0 ? null : allowed.join(', ')
}
