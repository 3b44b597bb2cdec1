import { afterAll, expect, test } from 'vitest'
import { setUp } from '../support/people.ts'
import {
  freePort,
  type Server,
  sleep,
  spawnServer,
  startServer,
  statusOf,
  stopAll,
  temporaryFolder,
  waitUntil,
} from '../support/server.ts'

afterAll(stopAll)

const TAKE_OVER = ['--take-over']

function ready(server: Server): Promise<void> {
  return waitUntil(
    async () =>
      (await statusOf(server.port, '/readyz')) === 200 && server.output.includes('"event":"server_listening"'),
    'the next server to be ready; it wrote:\n',
    () => server.output,
    90_000,
  )
}

async function place() {
  const [port, dataDir] = [await freePort(), temporaryFolder()]
  return { port, dataDir }
}

test('a start that takes over asks the running server to end, and everybody stays signed in', async () => {
  const at = await place()
  const before = await startServer(at)
  const { browser } = await setUp(before.origin)
  const next = await spawnServer({ ...at, args: TAKE_OVER })
  expect(await before.exit(), 'ended by itself, cleanly').toBe(0)
  await ready(next)
  expect((await browser.session()).user).not.toBeNull()
  expect(await next.stop()).toBe(0)
})

test('taking over where nothing runs is a start', async () => {
  const server = await spawnServer({ ...(await place()), args: TAKE_OVER })
  await ready(server)
  await server.stop()
})

test('a start waits for the data folder as long as it is told, and answers signals meanwhile', async () => {
  const at = await place()
  const before = await startServer(at)
  const settings = { START_WAIT_SECONDS: '90' }
  const [next, another] = [await spawnServer({ ...at, settings }), await spawnServer({ ...at, settings })]
  await waitUntil(
    () => [next, another].every(({ output }) => output.includes('"event":"data_folder_awaited"')),
    'both to wait',
  )
  await another.stop('SIGTERM')
  expect(another.running).toBe(false)
  expect(await statusOf(at.port, '/readyz'), 'the first serves on').toBe(200)
  await before.stop()
  await ready(next)
  await next.stop()
})

test('of two that start at the same time, one serves and the other is refused with the id of the first', async () => {
  const at = await place()
  const both = [await spawnServer(at), await spawnServer(at)]
  await waitUntil(() => both.some(({ running }) => !running), 'one to be refused', undefined, 90_000)
  const [serving, refused] = both[0]?.running ? both : [both[1], both[0]]
  expect(await refused?.exit()).toBe(1)
  expect(refused?.output).toMatch(
    new RegExp(`Another process \\(the server, pid ${serving?.pid}\\) is using the data folder`),
  )
  await ready(serving as Server)
})

test('a stopped server keeps its folder: taking over gives up, and the server goes on when it wakes up', async () => {
  const at = await place()
  const stopped = await startServer(at)
  process.kill(stopped.pid, 'SIGSTOP')
  const next = await spawnServer({ ...at, args: TAKE_OVER })
  expect(await next.exit()).toBe(1)
  expect(next.output).toContain(`Another process (the server, pid ${stopped.pid}) is using the data folder`)
  process.kill(stopped.pid, 'SIGCONT')
  // The request to end has been waiting in its control socket; nobody would take its place now.
  await sleep(3000)
  expect(stopped.running).toBe(true)
  expect(await statusOf(at.port, '/readyz')).toBe(200)
  expect(await stopped.stop()).toBe(0)
})
