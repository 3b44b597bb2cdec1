import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'vitest'
import { joinSockets } from './tunnel.ts'

// Two real connections, joined; the test controls the far ends, which do not close by themselves.

interface Pair {
  near: Socket
  far: Socket
}

async function pair({ onTestFinished }: TestContext): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [near] = (await once(server, 'connection')) as [Socket]
  far.on('error', () => {})
  onTestFinished(() => {
    far.destroy()
    near.destroy()
    server.close()
  })
  return { near, far }
}

async function tunnel(
  context: TestContext,
  {
    idleMs = 60_000,
    before = () => {},
  }: { idleMs?: number; before?: (far: { client: Pair; upstream: Pair }) => void | Promise<void> } = {},
) {
  const [client, upstream] = [await pair(context), await pair(context)]
  await before({ client, upstream })
  const probes: [boolean, number][] = []
  for (const { near } of [client, upstream]) {
    near.setKeepAlive = (...given: unknown[]) => {
      probes.push(given as [boolean, number])
      return near
    }
  }
  let closed = 0
  const over = new Promise<void>(resolve => {
    joinSockets({
      client: client.near,
      upstream: upstream.near,
      idleMs,
      onClose: () => {
        closed++
        resolve()
      },
    })
  })
  return { client, upstream, over, probes, closed: () => closed }
}

// At once: most of them wait for a time to pass.
describe.concurrent('a tunnel', () => {
  test.for(['client', 'upstream'] as const)(
    'after the %s has ended, the other side has a few seconds to follow before both sockets are closed',
    { timeout: 15_000 },
    async (first, context) => {
      const { expect } = context
      const joined = await tunnel(context)
      const second = first === 'client' ? 'upstream' : 'client'
      joined[first].far.end('last words')
      joined[second].far.once('data', () => joined[second].far.write('an answer'))
      const [answer] = (await once(joined[first].far, 'data')) as [Buffer]
      expect([String(answer), joined.closed()], 'they are given time').toEqual(['an answer', 0])
      await joined.over
      expect([joined.client.near.destroyed, joined.upstream.near.destroyed, joined.closed()]).toEqual([true, true, 1])
    },
  )

  test.for(['client', 'upstream'] as const)(
    'a side (%s) that ended during connecting is followed all the same',
    { timeout: 15_000 },
    async (first, context) => {
      const { client, upstream, over } = await tunnel(context, {
        async before(sides) {
          sides[first].far.end()
          await once(sides[first].near, 'end')
        },
      })
      await over
      context.expect([client.near.destroyed, upstream.near.destroyed]).toEqual([true, true])
    },
  )

  test('a side that ends with bytes that the other never reads is closed, too', { timeout: 15_000 }, async context => {
    const { client, over } = await tunnel(context, { idleMs: 300 })
    client.far.write(Buffer.alloc(8_000_000))
    client.far.end()
    await over
    context.expect(client.near.destroyed).toBe(true)
  })

  test('a peer that vanishes silently is detected: TCP keep-alive is on at both ends', async context => {
    const { probes } = await tunnel(context)
    context.expect(probes).toEqual([
      [true, 60_000],
      [true, 60_000],
    ])
  })

  test.for(['client', 'upstream'] as const)(
    'an idle tunnel is closed with a close frame that says so; bytes from the %s keep it open',
    async (busy, context) => {
      const { expect } = context
      const { client, upstream, over, closed } = await tunnel(context, { idleMs: 400 })
      const far = busy === 'client' ? client.far : upstream.far
      // An unmasked ping frame: complete, so that the close frame may follow at once.
      for (let i = 0; i < 8; i++) {
        far.write(Buffer.from([0x89, 0]))
        await new Promise(resolve => setTimeout(resolve, 100))
      }
      expect(closed()).toBe(0)
      const chunks: Buffer[] = []
      client.far.on('data', (chunk: Buffer) => chunks.push(chunk))
      await Promise.all([over, once(client.far, 'end')])
      const said = Buffer.concat(chunks)
      const close = said.subarray(said.indexOf(0x88))
      expect([close.readUInt16BE(2), close.subarray(4).toString()]).toEqual([1001, 'idle'])
    },
  )
})
