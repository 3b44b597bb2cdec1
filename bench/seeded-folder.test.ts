import { fetch } from 'undici'
import { afterAll, expect, it } from 'vitest'
import { startServer, stopAll } from '../tests/support/server.ts'
import { seededFolder } from './seeded-folder.ts'

afterAll(stopAll)

it('fills a folder with sessions that a server takes for signed in', async () => {
  const { dataDir, headers, cookies } = await seededFolder({ sessions: 40, browsers: 3 })
  const server = await startServer({ dataDir })
  const asked = cookies.map(async Cookie =>
    (await fetch(`${server.origin}/auth/session`, { headers: { ...headers, Cookie } })).json(),
  )
  expect(await Promise.all(asked)).toEqual(
    cookies.map(() => expect.objectContaining({ user: expect.objectContaining({ name: 'Robin Hartley' }) })),
  )
}, 60_000)
