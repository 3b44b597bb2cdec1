import { Problem } from '../../base/problem.ts'
import { isUnder } from '../../contract/reserved.ts'
import type { RequestContext } from '../request/request-context.ts'

const SPACE = 0x20
const DELETE = 0x7f
const HASH = 0x23
const PERCENT = 0x25
const DOT = 0x2e
const SLASH = 0x2f
const SEMICOLON = 0x3b
const BACKSLASH = 0x5c

/** Refuses targets that different programs could read differently (BBA-13, BBA-14). The query is not checked. */
export function guardPath(ctx: RequestContext): undefined {
  const { family, match, path } = ctx
  const strict =
    family === 'auth' ||
    (family === 'api' && !match?.upstream.encodedPaths) ||
    (family === 'front' && isUnder(path, '/api'))
  const fault = pathFault(ctx.path, strict)
  if (fault !== null) throw new Problem('bad_path', { detail: fault })
}

/**
 * What is wrong with a raw path, or null. One pass over the bytes; only paths with an escape or a dot segment cost
 * more.
 * @param strict for our own families: also refuses `//`, `;` and an escaped slash, backslash or percent sign
 */
export function pathFault(path: string, strict: boolean): string | null {
  if (path.charCodeAt(0) !== SLASH) return 'The target must be a path.'
  if (path.charCodeAt(1) === SLASH) return 'The path begins with two slashes.'
  let escaped = false
  let dotted = false
  let previous = 0
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code <= SPACE || code === DELETE || code === HASH || code === BACKSLASH)
      return 'The path contains a character that must be escaped.'
    if (code === PERCENT) escaped = true
    else if (code === DOT && previous === SLASH) dotted = true
    else if (strict && (code === SEMICOLON || (code === SLASH && previous === SLASH)))
      return 'The path contains an empty segment or a semicolon.'
    previous = code
  }
  if (!escaped) return dotted && hasDotSegment(path) ? DOT_SEGMENT : null
  return escapesFault(path, strict)
}

const DOT_SEGMENT = 'The path contains a `.` or `..` segment.'

function escapesFault(path: string, strict: boolean): string | null {
  if (strict && /%(?:2f|5c|25)/i.test(path)) return 'The path contains an escaped slash, backslash or percent sign.'
  const once = decode(path)
  if (once === null) return 'The path contains an invalid escape.'
  const twice = decode(once) ?? once
  return hasDotSegment(path) || hasDotSegment(once) || hasDotSegment(twice) ? DOT_SEGMENT : null
}

function hasDotSegment(path: string): boolean {
  return path.split(/[/\\]/).some(segment => segment === '.' || segment === '..')
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
