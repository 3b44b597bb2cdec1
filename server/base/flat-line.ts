import type { UnixMs } from './clock.ts'

/** Needs no escape in JSON. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/**
 * A log line in pino's own form, for fields that are text, whole or finite numbers, booleans or absent.
 * @returns null: it holds something else, so pino has to make it
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
