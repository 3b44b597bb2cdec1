import http from 'node:http'
import net, { type AddressInfo } from 'node:net'

export interface Eavesdropper {
  port: number
  /** What pages reported: exceptions, errors on their console, breaches of their policy. */
  heard: string[]
  /** Where requests go. */
  passTo(port: number): void
  close(): Promise<void>
}

const PATH = '/_overheard'

/** Comes before everything else on the page, under the page's own nonce. */
const LISTEN = `(() => {
  const tell = text => navigator.sendBeacon('${PATH}', location.pathname + ': ' + text)
  const said = console.error
  console.error = (...all) => { tell(all.map(String).join(' ')); said.apply(console, all) }
  const warned = console.warn
  console.warn = (...all) => { if (/hydration|vue warn/i.test(all.join(' '))) tell(all.map(String).join(' ')); warned.apply(console, all) }
  addEventListener('error', event => tell(event.message || ('nothing came of ' + (event.target?.src ?? event.target?.href))), true)
  addEventListener('unhandledrejection', event => tell(String(event.reason)))
  document.addEventListener('securitypolicyviolation', event => tell(event.violatedDirective + ' blocked ' + event.blockedURI))
})()`

/**
 * Between a browser whose console nobody can read and the server: each page gets one script more, that reports here.
 * Everything else passes as it is, live connections too.
 */
export async function startEavesdropper(): Promise<Eavesdropper> {
  const heard: string[] = []
  let target = 0
  const sockets = new Set<net.Socket>()
  const server = http.createServer((incoming, outgoing) => {
    if (incoming.url === PATH) {
      void textOf(incoming).then(text => heard.push(text))
      return void outgoing.writeHead(204).end()
    }
    const { 'accept-encoding': _, ...headers } = incoming.headers
    const passed = http.request(
      { host: '127.0.0.1', port: target, method: incoming.method, path: incoming.url, headers },
      answer => {
        const nonce = /'nonce-([^']+)'/.exec(String(answer.headers['content-security-policy']))?.[1]
        if (nonce === undefined || !String(answer.headers['content-type']).startsWith('text/html')) {
          outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
          return void answer.pipe(outgoing)
        }
        void textOf(answer).then(html => {
          const { 'content-length': _length, ...kept } = answer.headers
          outgoing
            .writeHead(answer.statusCode ?? 502, kept)
            .end(html.replace('<head>', `<head><script nonce="${nonce}">${LISTEN}</script>`))
        })
      },
    )
    passed.on('error', () => outgoing.destroy())
    outgoing.on('close', () => passed.destroy())
    incoming.pipe(passed)
  })
  server.on('connection', (socket: net.Socket) => void sockets.add(socket.on('close', () => sockets.delete(socket))))
  server.on('upgrade', (incoming, socket: net.Socket, head: Buffer) => {
    const passed = net.connect(target, '127.0.0.1', () => {
      const lines: string[] = []
      for (let i = 0; i < incoming.rawHeaders.length; i += 2)
        lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`)
      passed.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      passed.write(head)
      passed.pipe(socket).pipe(passed)
    })
    for (const end of [passed, socket])
      end.on('error', () => end.destroy()).on('close', () => [passed, socket].forEach(each => each.destroy()))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    passTo: port => void (target = port),
    close: () =>
      new Promise(done => {
        server.close(() => done())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

async function textOf(message: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
