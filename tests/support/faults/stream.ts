import http from 'node:http'
import { WebSocket } from 'ws'
import type { Visitor } from '../client.ts'

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
    const request = http.get({
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      headers: {
        host,
        accept: 'text/event-stream',
        'sec-fetch-site': 'same-origin',
        cookie: browser.jar.header() ?? '',
      },
    })
    request.on('error', reject)
    request.on('response', response => {
      response.resume()
      const ended = new Promise<'ended' | 'cut'>(done => {
        response.on('end', () => done('ended'))
        response.on('error', () => done('cut'))
      })
      resolve({ status: response.statusCode ?? 0, ended, leave: () => request.destroy() })
    })
  })
}

/**
 * A WebSocket that somebody has open.
 * @returns the code that it is closed with; 1006: cut without a word
 */
export function openSocket(browser: Visitor, path: string): Promise<{ closed: Promise<number> }> {
  const { port, host } = new URL(browser.origin)
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { host, origin: browser.origin, cookie: browser.jar.header() ?? '' },
  })
  const closed = new Promise<number>(done => socket.on('close', done))
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => resolve({ closed }))
  })
}
