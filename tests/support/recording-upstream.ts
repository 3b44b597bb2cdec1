import http, { type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface RecordedRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
}

export interface RecordingUpstream {
  origin: string
  requests: RecordedRequest[]
  /** How many event streams are open at `/stream`. */
  streams(): number
  stop(): Promise<void>
}

/** An API behind us that takes everything and remembers who asked. */
export async function startRecordingUpstream(): Promise<RecordingUpstream> {
  const requests: RecordedRequest[] = []
  let open = 0
  const server = http.createServer((request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers })
    request.resume()
    if (request.url !== '/stream')
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
    open += 1
    response.on('close', () => (open -= 1))
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    streams: () => open,
    stop: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
