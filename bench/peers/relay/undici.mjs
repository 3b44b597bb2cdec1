// The limit in Node: undici's dispatch straight onto the answer, with back-pressure and nothing else. argv: port,
// upstream's port.
import { createServer } from 'node:http'
import { argv } from 'node:process'
import { Pool } from 'undici'

const pool = new Pool(`http://127.0.0.1:${argv[3]}`, { pipelining: 1, bodyTimeout: 0 })
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'expect', 'upgrade'])

const endToEnd = raw => raw.filter((_, at) => !HOP_BY_HOP.has(raw[at - (at % 2)].toLowerCase()))

createServer((request, response) => {
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
  pool.dispatch(
    {
      method: request.method,
      path: request.url,
      headers: endToEnd(request.rawHeaders),
      body: hasBody ? request : null,
    },
    {
      onRequestStart(controller) {
        response.on('drain', () => controller.resume())
        response.on('close', () => {
          if (!response.writableFinished) controller.abort(new Error('nobody reads the answer any more'))
        })
      },
      onResponseStart(controller, status) {
        if (status < 200) return
        response.writeHead(status, endToEnd(controller.rawHeaders.map(part => part.toString('latin1'))))
        response.flushHeaders()
      },
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) controller.pause()
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  )
}).listen(Number(argv[2]), '127.0.0.1')
