// A server of one's own that hands over what it does not answer itself.
import { createServer } from 'node:http'
import { createPorchlight, OperatorError } from 'porchlight'
import express from 'express'

const [port, upstream, kind] = process.argv.slice(2)

const porchlight = await createPorchlight({
  publicUrl: `http://localhost:${port}`,
  dataDir: 'own-data',
  logLevel: 'warn',
  accessSeconds: 4,
  refreshConfirmSeconds: 1,
  refreshGraceSeconds: 2,
  upstreams: [{ name: 'api', prefix: '/api/v1', target: String(upstream), token: 'porchlight', websocket: true }],
})

const server = kind === 'express' ? createServer(withExpress()) : createServer(plain)
server.on('upgrade', porchlight.upgrade)
server.listen(Number(port), 'localhost', () => process.send?.('ready'))

process.on('message', async message => {
  if (message === 'again') process.send?.(await again())
  if (message !== 'close') return
  server.close()
  await porchlight.close()
  await porchlight.close()
  process.send?.('closed')
  process.disconnect()
})

function plain(...[incoming, outgoing]: Parameters<typeof porchlight.handle>): void {
  if (incoming.url === '/mine') outgoing.end('my own')
  else porchlight.handle(incoming, outgoing)
}

function withExpress() {
  const app = express()
  app.get('/mine', (_request, response) => response.send('my own'))
  app.use(porchlight.handle)
  return app
}

/** Two of them may not share a data folder. */
async function again(): Promise<string> {
  try {
    await createPorchlight({ dataDir: 'own-data', logLevel: 'silent' })
    return 'started twice'
  } catch (error) {
    return error instanceof OperatorError ? error.message : `not for operators: ${String(error)}`
  }
}
