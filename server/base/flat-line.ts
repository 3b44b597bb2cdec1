import type { UnixMs } from './clock.ts'

/** Text that needs no escaping in JSON. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/**
 * Serialises a log line as pino would, for fields that are strings, finite numbers, booleans or undefined.
 * @returns null if a field has another type and pino has to serialise the line
 */
export function flatLine(
  level: number,
  time: UnixMs,
  fields: Readonly<Record<string, unknown>>,
  message: string,
): string | null {
  let line = `{"level":${level},"time":${time}`
  for (const key in fields) {
    const value = fields[key]
    switch (typeof value) {
      case 'string':
        line += `,"${key}":${quoted(value)}`
        break
      case 'number':
        if (!Number.isFinite(value)) return null
        line += `,"${key}":${value}`
        break
      case 'boolean':
        line += `,"${key}":${value}`
        break
      case 'undefined':
        break
      default:
        return null
    }
  }
  return `${line},"msg":${quoted(message)}}\n`
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}
