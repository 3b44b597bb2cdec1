import type { Log } from '../base/log.ts'
import type { UnixMs } from '../base/clock.ts'

/**
 * Ends a command silently, but never a server, when its reader (such as head) closes the pipe.
 * @param serves whether this process continues without a reader
 */
export function endWithReader(serves: boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (!serves) process.exit()
    })
  }
}

export function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

export function printError(lines: readonly string[]): void {
  process.stderr.write(`${lines.join('\n')}\n`)
}

/** Rows below headings, each column as wide as its widest cell. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = headings.map((heading, at) => Math.max(heading.length, ...rows.map(row => (row[at] ?? '').length)))
  for (const row of [headings, ...rows])
    print(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

/** A time for display, in this machine's time zone. */
export function shownTime(at: UnixMs | null): string {
  return at === null ? '-' : new Date(at).toLocaleString('sv-SE').slice(0, 16)
}

/** Strips control characters, which a terminal would obey, from untrusted text. */
export function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ')
}

/** The log of a command that does a server's work itself: only warnings, and never on stdout. */
export const commandLog: Log = (() => {
  const warn = (first: unknown, second?: unknown) =>
    printError([`Warning: ${typeof first === 'string' ? first : String(second)}`])
  return { error: warn, warn, info: () => {}, debug: () => {} }
})()
