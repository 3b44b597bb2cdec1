// Many requests of one browser in the same instant: a connection for each is opened first, then all are written.
import http from 'node:http'
import { argv, stdout } from 'node:process'
import { text } from 'node:stream/consumers'
import type { StormOrder, StormResult } from '../full/storm.ts'

const { port, path, headers, requests } = JSON.parse(argv[2] ?? '') as StormOrder
const agent = new http.Agent({ keepAlive: true })
const ask = (as: Record<string, string>, where: string) =>
  new Promise<{ tookMs: number; served: boolean; setCookies: string[] }>((done, fail) => {
    const started = performance.now()
    http
      .get({ agent, host: '127.0.0.1', port, path: where, headers: as }, async response => {
        const tookMs = performance.now() - started
        const body = await text(response)
        done({
          tookMs,
          served: response.statusCode === 200 && /"user":\{/.test(body),
          setCookies: response.headers['set-cookie'] ?? [],
        })
      })
      .on('error', fail)
  })
const all = (as: Record<string, string>, where: string) =>
  Promise.all(Array.from({ length: requests }, () => ask(as, where)))

// The agent keeps the connections of a first round, which brings no cookies and so renews nothing.
await all({ Host: headers['Host'] ?? '' }, '/healthz')
const answers = await all(headers, path)
const times = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
const result: StormResult = {
  served: answers.filter(({ served }) => served).length,
  p50: at(0.5),
  p99: at(0.99),
  longest: at(1),
  setCookies: answers.find(({ setCookies }) => setCookies.length > 0)?.setCookies ?? [],
}
stdout.write(JSON.stringify(result), () => process.exit(0))
