import http from 'node:http'
import type { Visitor } from '../../support/client.ts'

/** An event stream that somebody has open. */
export interface OpenStream {
  status: number
  /** Resolves when the server has ended it: in order, or by cutting the connection. */
  ended: Promise<'ended' | 'cut'>
  leave(): void
}

export function openStream(browser: Visitor, path: string): Promise<OpenStream> {
  const { port, host } = new URL(browser.origin)
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent: false, headers: { host, 'accept': 'text/event-stream', 'sec-fetch-site': 'same-origin', 'cookie': browser.jar.header() ?? '' } })
    request.on('error', reject)
    request.on('response', (response) => {
      response.resume()
      const ended = new Promise<'ended' | 'cut'>((done) => {
        response.on('end', () => done('ended'))
        response.on('error', () => done('cut'))
      })
      resolve({ status: response.statusCode ?? 0, ended, leave: () => request.destroy() })
    })
  })
}
