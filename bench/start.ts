import { readFileSync } from 'node:fs'
import net from 'node:net'
import { freePort, type Server, sleep, spawnServer, startServer, temporaryFolder } from '../tests/support/server.ts'
import type { Figure } from './figure.ts'
import { drive, median } from './load.ts'

const ROUNDS = 5
const RENDERING_SECONDS = 15

/** How long a start takes, and what the process then holds. */
export async function measureStart(): Promise<Figure[]> {
  const dataDir = temporaryFolder()
  await (await startServer({ dataDir })).stop()
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) times.push(await millisecondsToFirstPage(dataDir))
  const start = median(times)
  const server = await startServer({ dataDir })
  const memory = await idleMegabytes(server)
  const rendered = await afterPages(server)
  await server.stop()
  return [
    {
      what: 'start to first page',
      measured: start,
      unit: 'ms',
      target: '≤ 600',
      met: start <= 600,
      detail: times.map(Math.round).join(', '),
    },
    {
      what: 'memory, idle',
      measured: memory,
      unit: 'MB',
      target: '≤ 100',
      met: memory <= 100,
      detail: 'resident, after start',
    },
    {
      what: 'memory, rendering',
      measured: rendered.peak,
      unit: 'MB',
      target: '≤ 450',
      met: rendered.peak <= 450,
      detail: `resident, at most, over ${rendered.pages} pages`,
    },
  ]
}

/**
 * Milliseconds from spawning a built server on a folder that has been used before, until a page is answered with 200.
 */
async function millisecondsToFirstPage(dataDir: string): Promise<number> {
  const port = await freePort()
  const started = performance.now()
  const server = await spawnServer({ dataDir, port, settings: { LOG_LEVEL: 'warn' } })
  while (!(await firstLine(port, '/sign-in')).includes(' 200 ')) {
    if (!server.running) throw new Error(`the server ended:\n${server.output}`)
    await sleep(2)
  }
  const took = performance.now() - started
  await server.stop()
  return took
}

/** The most that the process holds while it renders pages as fast as it can: a small host has 512 MB in all. */
async function afterPages(server: Server): Promise<{ pages: number; peak: number }> {
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMegabytes(server))
  }, 100)
  const headers = { host: new URL(server.origin).host }
  const { rate } = await drive(server.pid, {
    port: server.port,
    path: '/sign-in',
    headers,
    cookies: null,
    connections: 16,
    seconds: RENDERING_SECONDS,
  })
  clearInterval(watch)
  return { pages: Math.round(rate * RENDERING_SECONDS), peak }
}

/** Resident memory in MB, a while after the last request. */
async function idleMegabytes(server: Server): Promise<number> {
  await sleep(5000)
  return residentMegabytes(server)
}

function residentMegabytes(server: Server): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}

function firstLine(port: number, path: string): Promise<string> {
  return new Promise(done => {
    const socket = net.connect(port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`),
    )
    socket.on('data', chunk => {
      done(chunk.toString('latin1').split('\r\n')[0] ?? '')
      socket.destroy()
    })
    socket.on('error', () => done(''))
    socket.on('close', () => done(''))
  })
}
