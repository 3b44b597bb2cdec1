// The API behind every relay that is measured: fixed bytes, so that it costs less than what passes them on.
import { createServer } from 'node:http'
import { argv } from 'node:process'
import { BIG_BYTES, EVENT_EVERY_MS } from '../full/upstream.ts'

const small = Buffer.from(
  JSON.stringify({ orders: Array.from({ length: 4 }, (_, i) => ({ id: i, title: 'Lamp oil', amount: 12 })) }),
)
const big = Buffer.alloc(BIG_BYTES, 'x')
const event = `data: ${JSON.stringify({ title: 'An order came in', at: 1_700_000_000_000 })}\n\n`

createServer((request, response) => {
  const path = request.url ?? ''
  if (path === '/small')
    return void response
      .writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': small.length })
      .end(small)
  if (path === '/big')
    return void response
      .writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': big.length })
      .end(big)
  if (path === '/upload') {
    request
      .resume()
      .on('end', () =>
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': small.length }).end(small),
      )
    return
  }
  if (path === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    const timer = setInterval(() => response.write(event), EVENT_EVERY_MS)
    response.on('close', () => clearInterval(timer))
    return
  }
  response.writeHead(404).end()
}).listen(Number(argv[2]), '127.0.0.1')
