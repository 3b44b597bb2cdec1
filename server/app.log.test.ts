import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { SIGNED_IN, startApp } from './app.testing.ts'
import { SITE_CONTEXT, type SiteContext } from './contract/site.ts'
import { anUpstream, listen, someRelay } from './relay/relay.testing.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start() {
  let asked: () => void = () => {}
  const upstream = await listen((incoming, outgoing) => {
    if (incoming.url === '/never') return asked()
    outgoing.writeHead(200).write('half')
    if (incoming.url === '/whole') outgoing.end()
  })
  const relay = someRelay([anUpstream(upstream.origin)])
  const app = await startApp({ relay })
  closing.push(upstream.close, () => relay.close(), app.close)
  const line = (path: string) => app.log.lines.find(({ message, path: logged }) => message === 'request' && logged === path)
  const send = (path: string) => request({ port: app.port, path, agent: false, headers: { host: 'porch.example', cookie: SIGNED_IN } }).on('error', () => {}).end()
  return { line, send, reached: new Promise<void>((resolve) => { asked = resolve }) }
}

test('a request whose client leaves before any answer is logged as aborted, with no status: nobody was given one', async () => {
  const { line, send, reached } = await start()
  const leaver = send('/api/notes/never')
  await reached
  leaver.destroy()
  await expect.poll(() => line('/api/notes/never')).toMatchObject({ level: 'info', aborted: true, family: 'api' })
  expect(line('/api/notes/never')?.status).toBeUndefined()
})

test('one whose client leaves in the middle of the answer keeps its status and is aborted; one that was answered is not', async () => {
  const { line, send } = await start()
  const leaver = send('/api/notes/half')
  const [half] = await once(leaver, 'response') as [IncomingMessage]
  await once(half, 'data')
  leaver.destroy()
  await expect.poll(() => line('/api/notes/half')).toMatchObject({ status: 200, aborted: true })

  const [whole] = await once(send('/api/notes/whole'), 'response') as [IncomingMessage]
  await whole.toArray()
  await expect.poll(() => line('/api/notes/whole')).toMatchObject({ status: 200 })
  expect(line('/api/notes/whole')?.aborted).toBeUndefined()
})

test('ASVS 16.5.1 what breaks while a page renders is logged under the id that its answer carries, and the answer does not hold it', async () => {
  const app = await startApp({
    site: {
      built: { root: '/nowhere', files: [] },
      development: null,
      listener: async () => (incoming, outgoing) => {
        (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)]?.report(new Error('no such table: lanterns'))
        outgoing.writeHead(500, { 'content-type': 'text/html' }).end('<!doctype html><h1>Something went wrong</h1>')
      },
    },
  })
  closing.push(app.close)
  const { status, headers, body } = await app.ask('/account')
  expect(status).toBe(500)
  expect(body).not.toContain('lanterns')
  expect(app.log.lines.find(({ level }) => level === 'error')).toMatchObject({ requestId: headers['x-request-id'], path: '/account', error: { message: 'no such table: lanterns' } })
})
