import { withoutAddresses } from './personal-data.ts'

const LONGEST = 300
const DEEPEST = 5

/**
 * Reduces an error to its type, its scalar fields and the messages of its causes, for lines below level `error`. The
 * stack does not help an operator whose upstream is down, and buffers or sockets that a library attaches may contain
 * secrets.
 * @returns the value unchanged if it is not an Error
 */
export function briefError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const brief: Record<string, unknown> = {
    type: error.constructor.name,
    message: withoutAddresses(messagesOf(error).join(': ')).slice(0, LONGEST * 2),
  }
  for (const [name, value] of Object.entries(error)) {
    if (name === 'stack' || name === 'data' || name in brief) continue
    if (typeof value === 'number' || typeof value === 'boolean') brief[name] = value
    if (typeof value === 'string') brief[name] = withoutAddresses(value).slice(0, LONGEST)
  }
  return brief
}

function messagesOf(error: Error, depth = 0): string[] {
  const { cause } = error
  return cause instanceof Error && depth < DEEPEST ? [error.message, ...messagesOf(cause, depth + 1)] : [error.message]
}
