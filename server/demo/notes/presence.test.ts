import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { PresenceEvent } from '../../contract/demo/notes.ts'
import { createPresence } from './presence.ts'
import { type Stage, startStage } from './notes.testing.ts'

const ADA = { sub: 'ada', name: 'Ada' }
const BOB = { sub: 'bob', name: null }
const PATIENT = { timeout: 10_000 }

/** The room with pages that write down what they are told. */
function room() {
  const presence = createPresence()
  const enter = (caller: { sub: string; name: string | null }) => {
    const told: PresenceEvent[] = []
    const closed: number[] = []
    const seat = presence.join(caller, {
      send: text => told.push(JSON.parse(text) as PresenceEvent),
      close: code => closed.push(code),
    })
    const [welcome] = told
    if (welcome?.type !== 'welcome') throw new Error('not welcomed')
    return {
      ...seat,
      id: welcome.you,
      told,
      closed,
      point: (x: number, y: number) => seat.receive(JSON.stringify({ type: 'cursor', cursor: { x, y } })),
    }
  }
  return { presence, enter }
}

describe('presence', () => {
  test('tells a new page who is there, and the others that it came and went', () => {
    const { enter } = room()
    const first = enter(ADA)
    const second = enter(ADA)
    const third = enter(BOB)
    expect(third.told[0]).toEqual({
      type: 'welcome',
      you: third.id,
      peers: [
        { id: first.id, name: 'Ada', mine: false, cursor: null },
        { id: second.id, name: 'Ada', mine: false, cursor: null },
      ],
    })
    expect(first.told.slice(1)).toEqual([
      { type: 'joined', peer: { id: second.id, name: 'Ada', mine: true, cursor: null } },
      { type: 'joined', peer: { id: third.id, name: null, mine: false, cursor: null } },
    ])
    second.leave()
    expect(third.told.at(-1)).toEqual({ type: 'left', id: second.id })
  })

  test("tells no subject: only whether a page is one's own", () => {
    const { enter } = room()
    enter(ADA)
    expect(JSON.stringify(enter(BOB).told)).not.toContain('ada')
  })

  test('sends pointers once a tick, the latest place of each, and none to its owner', () => {
    const { presence, enter } = room()
    const a = enter(ADA)
    const b = enter(BOB)
    for (let i = 0; i < 10; i++) a.point(i / 10, 0.5)
    expect(b.told.filter(event => event.type === 'cursors')).toEqual([])
    presence.tick()
    presence.tick()
    expect(b.told.filter(event => event.type === 'cursors')).toEqual([
      { type: 'cursors', cursors: [{ id: a.id, cursor: { x: 0.9, y: 0.5 } }] },
    ])
    expect(a.told.filter(event => event.type === 'cursors')).toEqual([])
  })

  test('shows whoever comes later where pointers are, and that one has left the page', () => {
    const { presence, enter } = room()
    const a = enter(ADA)
    a.point(0.1, 0.2)
    expect(enter(BOB).told[0]).toMatchObject({ peers: [{ id: a.id, cursor: { x: 0.1, y: 0.2 } }] })
    const late = enter(BOB)
    a.receive('{"type":"cursor","cursor":null}')
    presence.tick()
    expect(late.told.at(-1)).toEqual({ type: 'cursors', cursors: [{ id: a.id, cursor: null }] })
  })

  test.each([
    'no JSON',
    'null',
    '[]',
    '{}',
    '{"type":"cursor"}',
    '{"type":"cursor","cursor":{"x":2,"y":0}}',
    '{"type":"cursor","cursor":{"x":0}}',
    '{"type":"cursor","cursor":null,"name":"Bob"}',
    '{"type":"welcome","you":"x","peers":[]}',
  ])('closes a line that says %s, and tells nobody', text => {
    const { presence, enter } = room()
    const other = enter(BOB)
    const page = enter(ADA)
    page.receive(text)
    presence.tick()
    expect(page.closed).toEqual([1008])
    expect(other.told.filter(event => event.type === 'cursors')).toEqual([])
  })

  test('closes a line that floods; a tick gives it breath again', () => {
    const { presence, enter } = room()
    const page = enter(ADA)
    for (let tick = 0; tick < 3; tick++) {
      for (let i = 0; i < 20; i++) page.point(0, 0)
      presence.tick()
    }
    expect(page.closed).toEqual([])
    for (let i = 0; i < 21; i++) page.point(0, 0)
    expect(page.closed).toEqual([1008])
  })
})

describe('presence over WebSocket', () => {
  let stage: Stage
  const opened: WebSocket[] = []
  beforeEach(async () => {
    stage = await startStage()
  })
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.terminate()
    await stage.close()
  })

  function dial(token: string | null, path = '/notes/presence') {
    const socket = new WebSocket(stage.origin.replace('http', 'ws') + path, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    })
    opened.push(socket)
    const told: PresenceEvent[] = []
    socket.on('message', data => told.push(JSON.parse(String(data)) as PresenceEvent))
    socket.on('error', () => {})
    return { socket, told }
  }

  async function refusal(socket: WebSocket): Promise<number | undefined> {
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
    answer.resume()
    return answer.statusCode
  }

  test('two browsers see each other come, point and go', async () => {
    const a = dial(await stage.issuer.tokenFor('ada', { claims: { name: 'Ada' } }))
    await expect.poll(() => a.told.length, PATIENT).toBe(1)
    const b = dial(await stage.issuer.tokenFor('bob'))
    await expect
      .poll(() => b.told[0], PATIENT)
      .toMatchObject({ type: 'welcome', peers: [{ name: 'Ada', mine: false }] })
    await expect.poll(() => a.told[1], PATIENT).toMatchObject({ type: 'joined', peer: { name: null, mine: false } })
    a.socket.send(JSON.stringify({ type: 'cursor', cursor: { x: 0.25, y: 0.75 } }))
    await expect
      .poll(() => b.told[1], PATIENT)
      .toMatchObject({ type: 'cursors', cursors: [{ cursor: { x: 0.25, y: 0.75 } }] })
    a.socket.close()
    await expect.poll(() => b.told[2], PATIENT).toMatchObject({ type: 'left' })
  })

  test.each([
    ['none', null],
    ['for another upstream', { claims: { aud: 'orders' } }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['that has expired', { claims: { exp: 1 } }],
  ])('a token %s: 401 before the line is opened', async (_what, wanted) => {
    const { socket } = dial(wanted === null ? null : await stage.issuer.tokenFor('ada', wanted as object))
    expect(await refusal(socket)).toBe(401)
  })

  test('elsewhere there is no such line, and here there is nothing else', async () => {
    const token = await stage.issuer.tokenFor('ada')
    expect(await refusal(dial(token, '/notes').socket)).toBe(404)
    const plain = await fetch(`${stage.origin}/notes/presence`, { headers: { authorization: `Bearer ${token}` } })
    expect([plain.status, plain.headers.get('upgrade')]).toEqual([426, 'websocket'])
  })

  test('an upgrade to something else is refused', async () => {
    const { hostname, port } = new URL(stage.origin)
    const socket = connect(Number(port), hostname)
    socket.write(
      `GET /notes/presence HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nAuthorization: Bearer ${await stage.issuer.tokenFor('ada')}\r\n\r\n`,
    )
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(String(first)).toMatch(/^HTTP\/1\.1 400 /)
    socket.destroy()
  })

  test('binary, oversized and senseless messages end that line and no other', async () => {
    const other = dial(await stage.issuer.tokenFor('bob'))
    for (const [message, code] of [
      [Buffer.from([1, 2]), 1003],
      ['x'.repeat(2000), 1009],
      ['hello', 1008],
    ] as const) {
      const { socket } = dial(await stage.issuer.tokenFor('ada'))
      await once(socket, 'open')
      socket.send(message)
      const [closedWith] = (await once(socket, 'close')) as [number]
      expect(closedWith).toBe(code)
    }
    expect(other.socket.readyState).toBe(WebSocket.OPEN)
  })

  test('twenty pages each, then 429', async () => {
    const token = await stage.issuer.tokenFor('ada')
    await Promise.all(Array.from({ length: 20 }, () => once(dial(token).socket, 'open')))
    expect(await refusal(dial(token).socket)).toBe(429)
    await once(dial(await stage.issuer.tokenFor('bob')).socket, 'open')
  })

  test('a stop closes every line with 1001, and waits for none that does not answer', async () => {
    const token = await stage.issuer.tokenFor('ada')
    const { socket } = dial(token)
    const mute = dial(token)
    await Promise.all([once(socket, 'open'), once(mute.socket, 'open')])
    mute.socket.pause()
    const closed = once(socket, 'close')
    await stage.restart()
    expect((await closed)[0]).toBe(1001)
  })
})
