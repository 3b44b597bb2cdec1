import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { PASSWORD } from '../../tests/support/installation.ts'
import type { SessionListAnswer } from '../contract/wire.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { closed, streamStage } from '../../tests/support/stream-stage.ts'

// What lives longer than a request, through everything that a request passes: real sockets, a real database.

let stage: Awaited<ReturnType<typeof streamStage>>
afterEach(() => stage.close())

/** The promise is a second; the rest is for a busy machine. */
const SOON = { timeout: 5000 }
const ended = (response: IncomingMessage) =>
  new Promise<'whole' | 'cut'>(resolve => {
    response.resume()
    response.once('close', () => resolve(response.complete ? 'whole' : 'cut'))
  })
const ask = { host: 'porch.example' }

describe('ASVS 7.2.4 at a re-authentication', () => {
  test("the old session's streams end, and its cookies open none", async () => {
    stage = await streamStage()
    const ada = await stage.somebody()
    const { socket } = await ada.socket()
    const feed = await ada.stream()
    const thief = ada.copy()
    const over = Promise.all([closed(socket), ended(feed)])
    expect((await ada.call('POST', '/auth/reauthenticate', { password: PASSWORD })).status).toBe(200)
    expect(await over).toEqual([[4401, 'replaced'], 'whole'])

    expect((await thief.socket()).status).toBe(401)
    const refused = await thief.stream()
    expect(refused.statusCode).toBe(401)
    expect(JSON.parse((await refused.toArray()).join(''))).toMatchObject({ code: 'session_replaced' })
    expect((await thief.call('GET', '/api/notes/x')).json()).toMatchObject({ code: 'session_replaced' })
    expect((await thief.call('GET', '/auth/sessions')).json()).toMatchObject({ code: 'session_replaced' })
    expect((await thief.call('GET', '/auth/session')).json()).toMatchObject({ user: { email: 'ada@example.org' } })
    expect(stage.behind).toMatchObject({ streams: 0 })

    expect((await ada.socket()).status, 'its client connects again with the new cookies').toBe(101)
  })

  test('a call that waits for its answer meanwhile is told to ask again', async () => {
    stage = await streamStage()
    const ada = await stage.somebody()
    const waiting = ada.copy().call('GET', '/api/notes/late')
    await new Promise(resolve => setTimeout(resolve, 300))
    await ada.call('POST', '/auth/reauthenticate', { password: PASSWORD })
    expect((await waiting).json()).toMatchObject({ code: 'session_replaced' })
  })

  test('after a change of password the old cookies show nothing, not even a moment later', async () => {
    stage = await streamStage()
    const ada = await stage.somebody()
    const thief = ada.copy()
    await ada.call('POST', '/auth/reauthenticate', { password: PASSWORD })
    expect((await thief.call('GET', '/auth/session')).json()).toMatchObject({ user: {} })
    await ada.call('POST', '/auth/password', { current: PASSWORD, next: 'another lantern by the gate' })
    expect((await thief.call('GET', '/auth/session')).json()).toEqual({ user: null, session: null, ended: 'replaced' })
  })
})

describe('streams of a session', () => {
  test('are listed with it', async () => {
    stage = await streamStage()
    const ada = await stage.somebody()
    await ada.socket()
    await ada.stream()
    const { sessions } = (await ada.call('GET', '/auth/sessions')).json() as SessionListAnswer
    expect(sessions[0]?.streams.map(({ since, ...one }) => [one, Math.abs(Date.now() - since) < 10_000])).toEqual([
      [{ upstream: 'notes', title: 'Notes', kind: 'websocket' }, true],
      [{ upstream: 'notes', title: 'Notes', kind: 'events' }, true],
    ])
  })

  test('ASVS 7.5.2 end with "all others": the others\' with their sessions, and this session\'s, which copied cookies may have opened', async () => {
    stage = await streamStage()
    const ada = await stage.somebody()
    const elsewhere = await stage.somebody()
    const theirs = await elsewhere.socket()
    const copied = await ada.copy().socket()
    const over = Promise.all([closed(theirs.socket), closed(copied.socket)])
    expect((await ada.call('DELETE', '/auth/sessions')).json()).toEqual({ ended: 1 })
    expect(await over).toEqual([
      [4401, 'signed_out_elsewhere'],
      [4401, 'stream_expired'],
    ])
    expect((await ada.socket()).status).toBe(101)
    expect((await elsewhere.socket()).status).toBe(401)
  })

  test('live no longer than streamMaxSeconds', async () => {
    stage = await streamStage({ streamMaxSeconds: 1 })
    const ada = await stage.somebody()
    const [{ socket }, feed] = await Promise.all([ada.socket(), ada.stream()])
    const began = performance.now()
    expect(await Promise.all([closed(socket), ended(feed)])).toEqual([[4401, 'stream_expired'], 'whole'])
    expect(performance.now() - began).toBeLessThan(8000)
  })
})

describe('what is under way is judged again', () => {
  const roles = { requires: { roles: ['admin'] } }

  test.each([
    ['demoted', { roles: ['user'] as const }, [1008, 'forbidden']],
    ['disabled', { disabled: true }, [1008, 'disabled']],
  ])('when somebody is %s: WebSocket, event stream and download end', async (_title, change, close) => {
    stage = await streamStage(roles)
    await stage.somebody('root@example.org')
    const ada = await stage.somebody()
    const [{ socket }, feed, download] = await Promise.all([
      ada.socket(),
      ada.stream(),
      ada.stream('/api/notes/download'),
    ])
    const over = Promise.all([closed(socket), ended(feed), ended(download)])
    await stage.services.people.accounts.change(
      ada.account.id,
      'roles' in change ? { roles: [...change.roles] } : change,
      OPERATOR,
    )
    expect(await over).toEqual([close, 'whole', 'cut'])
    expect((await ada.call('GET', '/api/notes/x')).status).toBe('roles' in change ? 403 : 401)
  })

  test('a new name ends nothing', async () => {
    stage = await streamStage(roles)
    const ada = await stage.somebody()
    const { socket } = await ada.socket()
    await ada.call('PATCH', '/auth/user', { name: 'Ada L.' })
    socket.send('still here')
    expect(String((await once(socket, 'message'))[0])).toBe('still here')
  })

  test('when what a provider granted is over, where the upstream takes its token', async () => {
    const providers = JSON.stringify([{ id: 'main', kind: 'oidc', issuer: 'https://main.example', clientId: 'porch' }])
    stage = await streamStage({ token: 'provider' }, { PORCHLIGHT_PROVIDERS: providers })
    const ada = await stage.somebody()
    const [{ socket }, feed] = await Promise.all([ada.socket(), ada.stream()])
    const over = Promise.all([closed(socket), ended(feed)])
    const [session] = await stage.services.sessions.list(ada.account.id)
    stage.grantChanged(session?.publicId ?? '')
    expect(await over).toEqual([[4401, 'provider_sign_in_required'], 'whole'])
  })

  test('when it has been too long since the sign-in', async () => {
    stage = await streamStage({ requires: { maxAge: 2 } })
    const ada = await stage.somebody()
    const [{ socket }, download] = await Promise.all([ada.socket(), ada.stream('/api/notes/download')])
    expect(await Promise.all([closed(socket), ended(download)])).toEqual([
      [4401, 'insufficient_user_authentication'],
      'cut',
    ])
    expect((await ada.call('GET', '/api/notes/x')).json()).toMatchObject({ code: 'insufficient_user_authentication' })
  })

  test('when the session ends: a download is cut, an upload and a call without an answer are refused', async () => {
    stage = await streamStage()
    const ada = await stage.somebody()
    const download = await ada.stream('/api/notes/download')
    const upload = request({
      port: stage.app.port,
      path: '/api/notes/late',
      method: 'POST',
      agent: false,
      headers: { ...ask, ...ada.headers({ 'transfer-encoding': 'chunked' }) },
    })
    upload.on('error', () => {})
    upload.write('the first part')
    const waiting = ada.copy().call('GET', '/api/notes/late')
    await new Promise(resolve => setTimeout(resolve, 300))
    const over = Promise.all([ended(download), once(upload, 'response'), waiting])
    await ada.call('POST', '/auth/logout')
    const [how, [response], answered] = (await over) as [string, [IncomingMessage], Awaited<typeof waiting>]
    expect([how, response.statusCode, answered.status]).toEqual(['cut', 401, 401])
    upload.destroy()
  })
})

describe('how many streams are open at once', () => {
  test('is bounded for a session, whatever kind they are, and a place that is given back is free', async () => {
    stage = await streamStage({}, { PORCHLIGHT_MAX_STREAMS_PER_SESSION: '2' })
    const ada = await stage.somebody()
    const first = await ada.socket()
    await ada.stream()
    expect((await ada.socket()).status).toBe(429)
    const refused = await ada.stream()
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '10'])
    refused.resume()
    expect((await ada.call('GET', '/api/notes/x')).status, 'calls go on').toBe(200)
    first.socket.close()
    await expect.poll(async () => (await ada.socket()).status, SOON).toBe(101)
  })

  test('is bounded for a network, for strangers apart from people who are signed in', async () => {
    stage = await streamStage({ token: 'none' }, { PORCHLIGHT_MAX_STREAMS_PER_NETWORK: '4' })
    const stranger = stage.browser()
    expect((await stranger.socket()).status).toBe(101)
    expect((await stranger.socket()).status).toBe(429)
    expect((await stranger.stream()).statusCode).toBe(429)
    const ada = await stage.somebody()
    for (const status of [101, 101, 101, 101, 429]) expect((await ada.socket()).status).toBe(status)
  })

  test('counts what is being dialled, too', async () => {
    stage = await streamStage(
      { token: 'none', target: 'http://127.0.0.1:9', timeouts: { connect: 0.2 } },
      { PORCHLIGHT_MAX_STREAMS_PER_NETWORK: '4' },
    )
    for (let i = 0; i < 3; i++)
      expect((await stage.browser().socket()).status, 'a place comes back when dialling fails').toBe(502)
    expect(stage.streams.count()).toBe(0)
  })
})
