import { sha256 } from '../../../server/base/ids.ts'
import type { SessionAnswer } from '../../../server/contract/wire.ts'
import { type Answer, type Ask, Visitor } from '../client.ts'
import type { Person } from '../people.ts'

/**
 * One call as its browser saw it: the generation of the refresh token that it showed, and what came back, if anything
 * did.
 */
export interface Call {
  path: string
  shown: number | null
  answer: { status: number; acknowledged: string | null; who: string | null | undefined; ended: string | null } | null
  ms: number
}

/**
 * A browser that writes down every call, and every cookie that it was given: what it holds can be checked against
 * afterwards.
 */
export class LoggedBrowser extends Visitor {
  readonly calls: Call[] = []
  readonly person: Person

  constructor(origin: string, person: Person) {
    super(origin)
    this.person = person
  }

  override async ask(what: Ask): Promise<Answer> {
    const shown = this.jar.value('refresh')
    const call: Call = {
      path: what.path,
      shown: shown === null ? null : tokenParts(shown).generation,
      answer: null,
      ms: 0,
    }
    this.calls.push(call)
    const started = performance.now()
    try {
      const answer = await super.ask(what)
      call.answer = { status: answer.status, acknowledged: refreshIn(answer), ...judged(what.path, answer) }
      return answer
    } finally {
      call.ms = performance.now() - started
    }
  }

  /**
   * The same as a call, for a server that may die in the middle of it.
   * @returns null: no answer came
   */
  attempt(what: Ask): Promise<Answer | null> {
    return this.ask(what).catch(() => null)
  }

  async signIn(): Promise<void> {
    const answer = await this.post('/auth/login', { email: this.person.email, password: this.person.password })
    if (answer.status !== 200) throw new Error(`sign-in answered ${answer.status}: ${answer.text}`)
  }

  /** Every refresh token that reached this browser, oldest first. */
  acknowledged(): string[] {
    return [
      ...new Set(
        this.jar.received
          .filter(cookie => cookie.name.endsWith('-refresh') && cookie.value !== '')
          .map(cookie => cookie.value),
      ),
    ]
  }

  /** The session that its refresh token names, as the database calls it. */
  get sidHash(): string {
    return tokenParts(this.jar.value('refresh') ?? '').sidHash
  }

  get generation(): number {
    return tokenParts(this.jar.value('refresh') ?? '').generation
  }

  /** As if the access token's time were over: a browser lets go of its cookie then. */
  letAccessEnd(): void {
    this.jar.drop('access')
  }
}

/** `sid.generation.tag`, as docs/decisions/002 has it. */
export function tokenParts(token: string): { sidHash: string; generation: number } {
  const [sid = '', generation = ''] = token.split('.')
  return { sidHash: sha256(sid), generation: Number(generation) }
}

function refreshIn({ setCookies }: Answer): string | null {
  const line = setCookies.find(each => each.includes('porchlight-refresh='))
  return line === undefined ? null : (/refresh=([^;]*)/.exec(line)?.[1] ?? null)
}

/** Whom the server took the browser for; undefined where an answer does not say. */
function judged(path: string, answer: Answer): { who: string | null | undefined; ended: string | null } {
  if (
    !path.startsWith('/auth/session') ||
    path.startsWith('/auth/sessions') ||
    answer.status !== 200 ||
    answer.text === ''
  )
    return { who: undefined, ended: null }
  const { user, ended } = answer.json<SessionAnswer>()
  return { who: user?.email ?? null, ended: ended ?? null }
}
