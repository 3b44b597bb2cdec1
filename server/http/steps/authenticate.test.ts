import { Agent } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { ADA, SIGNED_IN, startApp } from '../../../tests/support/app.ts'

// A proxy in front of us sends the requests of many people over one connection.

const agents: Agent[] = []
afterEach(() => agents.splice(0).forEach(agent => agent.destroy()))

function oneConnection(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agents.push(agent)
  return agent
}

test('each request of a connection is judged by its own cookies, whoever asked before it', async () => {
  const app = await startApp()
  const agent = oneConnection()
  const whoIs = async (cookie: string | null) =>
    (await app.ask('/auth/session', { agent, headers: cookie === null ? {} : { cookie } })).json()
  const signedIn = { user: ADA }
  const nobody = { user: null, session: null }

  for (const [cookie, answer] of [
    [SIGNED_IN, signedIn],
    [SIGNED_IN, signedIn],
    ['porchlight-access=ended', { ...nobody, ended: 'idle' }],
    [null, nobody],
    [SIGNED_IN, signedIn],
    [`${SIGNED_IN}; ${SIGNED_IN}`, nobody],
    ['porchlight-access=Good', nobody],
    [`theme=dark; ${SIGNED_IN}`, signedIn],
  ] as const)
    expect(await whoIs(cookie), String(cookie)).toMatchObject(answer)
  await app.close()
})

test('cookies that come again are read once, on whichever connection; others are read', async () => {
  const app = await startApp()
  const [one, another] = [oneConnection(), oneConnection()]
  const headers = { cookie: `${SIGNED_IN}; porchlight-refresh=r` }
  for (const agent of [one, one, another]) await app.ask('/auth/session', { agent, headers })
  await app.ask('/auth/session', { agent: one, headers: { cookie: `${SIGNED_IN}; porchlight-refresh=other` } })
  const [first, second, third, fourth] = app.sessions.asked.map(({ shown }) => shown)
  expect(first).toEqual({ access: 'good', refresh: 'r', duplicated: false })
  expect(second).toBe(first)
  expect(third).toBe(first)
  expect(fourth).toEqual({ access: 'good', refresh: 'other', duplicated: false })
  await app.close()
})
