import { statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { handClock, installation, type Services, signedIn, stateOf } from '../../tests/support/installation.ts'
import { newAccountRow } from '../accounts/account.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { startControl } from './control.ts'
import { askServer, controlSocket } from './control-client.ts'
import { openKeys } from '../keys/keys.ts'

const { clock } = handClock()

let home: ReturnType<typeof installation>
let services: Services
beforeEach(async () => {
  home = installation(clock)
  services = await home.start()
})
afterEach(async () => {
  await services.close()
  home.remove()
})

describe('the control socket', () => {
  const ask = (name: Parameters<typeof askServer>[1], input: unknown) => askServer(home.dataDir, name, input as never)

  test("does what the command line asks, in the running server's memory", async () => {
    const close = await startControl(services)
    const { shown } = await signedIn(services)
    expect(await stateOf(services, shown)).toBe('live')
    expect(await ask('session.end-all', { email: 'ADA@example.org' })).toEqual({ output: { ended: 1 } })
    expect(await stateOf(services, shown)).toBe('nobody admin')
    expect(statSync(controlSocket(home.dataDir)).mode & 0o777).toBe(0o600)
    await close()
    expect(await ask('status', {})).toBeNull()
  })

  test('sessions are listed and ended one by one, people let in again, and the keys copied where that is asked for', async () => {
    const close = await startControl(services)
    const root = await signedIn(services, 'root@example.org')
    const [one, other] = [await signedIn(services), await signedIn(services)]
    const listed = (await ask('session.list', { email: 'ada@example.org' })) as {
      output: { sessions: { publicId: string }[] }
    }
    expect(listed.output.sessions.map(each => each.publicId).sort()).toEqual(
      [one.session.publicId, other.session.publicId].sort(),
    )
    expect(await ask('session.end', { id: one.session.publicId })).toEqual({ output: { ended: 1 } })
    expect([await stateOf(services, one.shown), await stateOf(services, other.shown)]).toEqual(['nobody admin', 'live'])
    await expect(ask('session.end', { id: one.session.publicId })).rejects.toThrow(/No live session/)

    await ask('user.disable', { email: 'ada@example.org' })
    expect(await stateOf(services, other.shown)).toBe('nobody disabled')
    await ask('user.enable', { email: 'ada@example.org' })
    expect((await services.people.accounts.find(one.userId))?.disabledAt).toBeNull()
    expect(await stateOf(services, (await signedIn(services)).shown)).toBe('live')
    expect(await stateOf(services, root.shown), 'nobody else').toBe('live')

    const file = join(home.dataDir, 'copy.db')
    expect(await ask('backup', { file, withKeys: true })).toEqual({
      output: { file, keys: `${file}.keys.json`, signingKeys: null },
    })
    const keys = openKeys({ file: `${file}.keys.json` }, false, home.clock.now().wall)
    expect(keys.list().map(key => key.id)).toEqual(services.keys.list().map(key => key.id))
    for (const path of [file, `${file}.keys.json`]) expect(statSync(path).mode & 0o777).toBe(0o600)
    await close()
  })

  test("somebody who came without an address is named by the account's id, and gets no link for a password", async () => {
    const close = await startControl(services)
    const at = services.clock.now().wall
    const admin = await services.people.accounts.create(
      { email: 'root@example.org', name: 'Root', roles: ['admin'], password: 'a lantern left burning' },
      OPERATOR,
    )
    const row = newAccountRow({ email: null, name: 'Carol', roles: ['user'] }, at)
    const identity = {
      id: 'i1',
      userId: row.id,
      provider: 'main',
      issuer: 'https://main.example',
      subject: 'carol',
      email: null,
      emailVerified: false,
      label: 'Carol',
      linkedIn: null,
      createdAt: at,
      lastUsedAt: at,
    }
    await services.store.identities.create(
      row,
      identity,
      { invite: null, rolesDecided: false, mayBeFirst: false },
      { at, byUserId: null, sessionId: null, userAgent: null, network: null },
    )
    await expect(ask('user.reset-password', { email: row.id, password: null })).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await ask('user.disable', { email: row.id })).toEqual({ output: {} })
    expect((await services.people.accounts.list()).map(one => [one.id, one.disabledAt !== null])).toEqual([
      [admin.id, false],
      [row.id, true],
    ])
    await close()
  })

  test('passes on refusals and problems as they are, and checks what it is given', async () => {
    const close = await startControl(services)
    await expect(ask('user.disable', { email: 'nobody@example.org' })).rejects.toThrow(
      /No account has the e-mail address/,
    )
    await expect(
      ask('user.add', { email: 'a@example.org', name: 'A', roles: ['user'], password: 'short', mayBeFirst: true }),
    ).rejects.toMatchObject({ code: 'password_too_short' })
    await expect(ask('user.add', { email: 'a@example.org' })).rejects.toMatchObject({ code: 'invalid_body' })
    await expect(ask('toString' as never, {})).rejects.toThrow(/does not know the command/)
    await close()
  })

  test('replaces the socket that a killed server left behind', async () => {
    const path = controlSocket(home.dataDir)
    const left = createServer().listen(path)
    await new Promise(done => left.once('listening', done))
    const close = await startControl(services)
    expect(await ask('status', {})).toMatchObject({ output: { pid: process.pid } })
    await close()
    left.close()
  })

  test('survives a client that sends nonsense or goes away', async () => {
    const close = await startControl(services)
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{',
      'nonsense\r\n\r\n',
    ]) {
      const socket = connect(controlSocket(home.dataDir), () => socket.end(bytes))
      await new Promise(done => socket.on('error', done).on('close', done).resume())
    }
    expect(await ask('status', {})).toMatchObject({ output: { pid: process.pid } })
    await close()
  })
})
