// A browser that asks at a steady pace, answered or not, until its input ends: late answers do not make it ask less.
import http from 'node:http'
import { argv, stdin, stdout } from 'node:process'

const EVERY_MS = 5
const { port, path, headers } = JSON.parse(argv[2] ?? '') as {
  port: number
  path: string
  headers: Record<string, string>
}
const agent = new http.Agent({ keepAlive: true })
const times: number[] = []
let under = 0
let over = false

const timer = setInterval(() => {
  const asked = performance.now()
  under += 1
  http.get({ agent, host: '127.0.0.1', port, path, headers }, response => {
    response.resume().on('end', () => {
      if (response.statusCode !== 200) throw new Error(`the probe was answered with ${response.statusCode}`)
      times.push(performance.now() - asked)
      // The first opens a connection and is not counted.
      if (times.length === 1) stdout.write('started')
      under -= 1
      finish()
    })
  })
}, EVERY_MS)

stdin.resume().on('end', () => {
  clearInterval(timer)
  over = true
  finish()
})

function finish(): void {
  if (!over || under > 0) return
  const sorted = times.slice(1).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  stdout.write(JSON.stringify({ p50: at(0.5), p99: at(0.99), longest: at(1) }), () => process.exit(0))
}
