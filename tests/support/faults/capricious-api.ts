import { randomInt } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import type { NotesAnswer } from '../../../server/contract/demo/notes.ts'
import { sleep } from '../server.ts'

/**
 * An API for the notes' page that takes its time, and now and then fails or hangs up: pages that ask it wait for each
 * other's answers in every order.
 */
export interface CapriciousApi {
  target: string
  outcomes: { answered: number; failed: number; hungUp: number }
  stop(): void
}

/** The one note that it has for everybody: whom it was asked for. */
export const noteOf = (userId: string) => `the only note of ${userId}`

export async function startCapriciousApi(slowestMs: number): Promise<CapriciousApi> {
  const outcomes = { answered: 0, failed: 0, hungUp: 0 }
  const server = http.createServer((request, response) => void answer(request, response))
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))

  async function answer({ headers }: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { sub = '' } = decodeJwt(headers.authorization?.split(' ')[1] ?? '')
    await sleep(randomInt(slowestMs))
    const dice = randomInt(10)
    if (dice === 0) {
      outcomes.hungUp += 1
      response.destroy()
    } else if (dice === 1) {
      outcomes.failed += 1
      response.writeHead(500, { 'content-type': 'text/plain' }).end(noteOf(sub))
    } else {
      outcomes.answered += 1
      const at = Date.now()
      const body: NotesAnswer = {
        notes: [{ id: crypto.randomUUID(), text: noteOf(sub), createdAt: at, changedAt: at }],
        change: 1,
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
  }

  return {
    target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    outcomes,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
