import { createHash } from 'node:crypto'
import { briefError } from '../base/brief-error.ts'
import { type Clock, MINUTE, SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import { createSharedLimiter } from '../base/shared-limiter.ts'

/** Asks a service of leaked passwords without telling it the password: it learns five of its hash's forty digits. */
export interface BreachedPasswords {
  /**
   * Never rejects: if the service does not answer, the password counts as not leaked, and the log says so.
   * @param password normalised, well-formed
   */
  has(password: string): Promise<boolean>
}

export interface BreachedPasswordsDeps {
  /** A range service: the first five digits of a SHA-1 hash are appended. */
  url: string
  clock: Clock
  log: Log
  fetch: typeof fetch
}

/** Somebody waits for the answer with a form. */
const TIMEOUT_MS = 2 * SECOND
/** A range has about a thousand lines, some 40 kB. */
const MAX_BYTES = 1024 * 1024
/** After a failure nobody else waits for the same. */
const PAUSE_MS = MINUTE
const PREFIX_DIGITS = 5

/** @see https://haveibeenpwned.com/API/v3#PwnedPasswords, whose form other services and mirrors share */
export function createBreachedPasswords({ url, clock, log, fetch }: BreachedPasswordsDeps): BreachedPasswords {
  const limiter = createSharedLimiter({ atOnce: 10, waiting: 50 })
  let pausedUntil = 0

  return {
    async has(password) {
      if (clock.now().steady < pausedUntil) return false
      const hash = createHash('sha1').update(password).digest('hex').toUpperCase()
      try {
        const range = await limiter.run(() => read(hash.slice(0, PREFIX_DIGITS)))
        return lists(range, hash.slice(PREFIX_DIGITS))
      } catch (error) {
        // Too many at once say nothing about the service.
        if (!(error instanceof Problem)) pausedUntil = clock.now().steady + PAUSE_MS
        log.warn(
          { event: 'breached_passwords_unavailable', error: briefError(error) },
          'the service of leaked passwords did not answer; new passwords are accepted without it',
        )
        return false
      }
    },
  }

  async function read(prefix: string): Promise<string> {
    const response = await fetch(new URL(prefix, url), {
      // Without padding, the length of an answer tells observers which range it is.
      headers: { 'add-padding': 'true', accept: 'text/plain' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status !== 200) throw new Error(`status ${response.status}`)
    return readText(response)
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Error('too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('latin1')
}

/** Lines are the rest of a hash and how often it was found: 0 for those that only pad the answer. */
function lists(range: string, suffix: string): boolean {
  const line = range.split(/\r?\n/).find(one => one.slice(0, suffix.length).toUpperCase() === suffix)
  return line !== undefined && /^:0*[1-9]\d*\s*$/.test(line.slice(suffix.length))
}
