// An API behind a proxy, as small as it can be: a JSON answer, an event stream that says nothing, a WebSocket that
// echoes.
import { createServer } from 'node:http'
import { argv } from 'node:process'
import { WebSocketServer } from 'ws'
import type { BareOrders } from '../baselines.ts'

const { port } = JSON.parse(argv[2] ?? '') as BareOrders
const body = Buffer.from(
  JSON.stringify({
    orders: [
      { id: 1, item: 'lantern', quantity: 2 },
      { id: 2, item: 'wick', quantity: 12 },
    ],
  }),
)

const server = createServer((request, response) => {
  if (request.url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write(': open\n\n')
  } else
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': body.length,
        'cache-control': 'no-store',
      })
      .end(body)
})
server.keepAliveTimeout = 60_000
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', socket => socket.on('message', (data, binary) => socket.send(data, { binary })))
server.listen(port, '127.0.0.1', () => process.send?.('listening'))
