import net from 'node:net'

export interface RawUpstream {
  origin: string
  /**
   * What is written to whoever asks for `/<name>`, in Latin-1, each piece in a packet of its own; then the connection
   * is ended, or not.
   */
  script: Map<string, Script>
  close(): Promise<void>
}
export interface Script {
  pieces: readonly string[]
  /** `stays`: open for the next request. `cut`: by a reset. `deaf`: what the other side ends, it does not. */
  then: 'ends' | 'stays' | 'cut' | 'deaf'
}

/** An upstream that speaks bytes, not HTTP: it says whatever it was told to for a path. */
export async function startRawUpstream(): Promise<RawUpstream> {
  const script = new Map<string, Script>()
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    let asked = ''
    let deaf = false
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    socket.on('end', () => deaf || socket.end())
    socket.on('data', chunk => {
      if (deaf) return
      asked += chunk.toString('latin1')
      // Bodies are not read as such: whatever looks like the head of a request, is one.
      for (
        let head = /(?:^|\n)[A-Z]+ \/([\w-]*)\S* HTTP\/1\.1\r\n[\s\S]*?\r\n\r\n/.exec(asked);
        head !== null;
        head = /(?:^|\n)[A-Z]+ \/([\w-]*)\S* HTTP\/1\.1\r\n[\s\S]*?\r\n\r\n/.exec(asked)
      ) {
        asked = asked.slice(head.index + head[0].length)
        const said = script.get(head[1] ?? '')
        if (said === undefined) return void socket.destroy()
        for (const piece of said.pieces) socket.write(piece, 'latin1')
        if (said.then === 'ends') socket.end()
        if (said.then === 'cut') setTimeout(() => socket.resetAndDestroy(), 5)
        if (said.then === 'deaf') deaf = true
      }
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    script,
    close: () =>
      new Promise(done => {
        server.close(() => done())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
