import { withoutAddresses } from './personal-data.ts'

const LONGEST = 300
const DEEPEST = 5

/**
 * What a line below `error` says of an error: what it is and why, with its causes' messages. The lines of code that it
 * came through help nobody whose upstream is down, and what a library keeps beside (sockets, bytes that it could not
 * read) may be somebody's secret.
 * @returns the same value when it is no error
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
