import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HEAP_OPTIONS, liveHeapBytes } from '../faults/heap.ts'
import { usageOf } from '../faults/machine.ts'
import { Visitor } from '../client.ts'
import { setUp, signUp } from '../people.ts'
import { type Server, SETUP_CODE, type Settings, sleep, startServer, stopAll, temporaryFolder } from '../server.ts'

/** Pools to upstreams and providers may grow by this many; what is left open beyond that, leaks. */
const SPARE_DESCRIPTORS = 16
const HEALTH_MS = 500
/** A tunnel whose one end has gone gives the other a few seconds. */
const SETTLED_MS = 8000
/** A clean end: two seconds of notice, ten for what is under way, and a little more. */
const END_MS = 20_000
/** Secrets that come and go: in hours there are millions. */
const RECENT = 500
const MAX_LOG_BYTES = 64 * 1024 * 1024
/** Caches are bounded by counts; what they may hold more than at the beginning. */
const MAX_KEPT_BYTES = 48 * 1024 * 1024

export interface Ground {
  server: Server
  /** Honest all the time, and signed in all the time. */
  resident: Visitor
  admin: Visitor
  /**
   * Everything that has to hold after a batch.
   * @throws when it does not
   */
  settle(): Promise<void>
  /**
   * Asks for its health until a batch is over.
   * @throws when it was not told in time
   */
  beside(batch: Promise<unknown>): Promise<void>
  /** Another process on the same data. */
  restart(settings: Settings): Promise<void>
  /** What its heap holds, garbage apart. */
  heap(): Promise<number>
  /** The same before the first batch. */
  heapBefore: number
  /** A secret that may be in no answer and in no log line from now on. */
  keepSecret(...texts: string[]): void
  /** @throws when one of the secrets is in it */
  seen(text: string): void
}

/**
 * A real server for the tests of a file, with somebody honest in it. The file's last tests are that it gives back what
 * it took, and ends when it is asked to.
 */
export function groundOfFile(prepare: () => Promise<Settings> | Settings): Ground {
  const ground = {} as Ground
  const outputFile = join(temporaryFolder(), 'output')
  const secrets = new Set<string>([SETUP_CODE])
  const recent: string[] = []
  let control: http.Server
  let log: LogReader
  let descriptors = 0
  let settings: Settings = {}
  let honest = ''

  async function start(more: Settings): Promise<void> {
    const { server: before } = ground
    log.processBegins()
    ground.server = await startServer({
      outputFile,
      environment: { NODE_OPTIONS: HEAP_OPTIONS },
      settings: { REGISTRATION: 'open', ...settings, ...more },
      ...(before === undefined ? {} : { port: before.port, dataDir: before.dataDir }),
    })
    const pages = new Visitor(ground.server.origin)
    for (const page of ['/', '/sign-in', '/no-such-page']) await pages.page(page)
    pages.close()
    descriptors = usageOf(ground.server.pid).descriptors
  }

  beforeAll(async () => {
    settings = await prepare()
    control = http.createServer((_, response) => void response.end('ok'))
    await new Promise<void>(done => control.listen(0, '127.0.0.1', done))
    log = new LogReader(outputFile)
    await start({})
    const { browser: admin, person } = await setUp(ground.server.origin)
    const { browser: resident, person: them } = await signUp(admin)
    Object.assign(ground, { admin, resident })
    honest = await sessionOf(resident)
    for (const secret of secretsIn(ground.server.dataDir)) secrets.add(secret)
    for (const secret of [person.password, them.password, ...resident.jar.all().map(cookie => cookie.value)])
      secrets.add(secret)
    await ground.settle()
    ground.heapBefore = await ground.heap()
    descriptors = usageOf(ground.server.pid).descriptors
  })

  ground.heap = () =>
    liveHeapBytes({
      pid: ground.server.pid,
      get output() {
        return log.ofProcess()
      },
    })

  ground.keepSecret = (...texts) => {
    recent.push(...texts)
    recent.splice(0, Math.max(0, recent.length - RECENT))
  }
  ground.seen = text => {
    for (const secret of [...secrets, ...recent])
      if (text.includes(secret)) throw new Error(`a secret in ${text.slice(0, 1000)}`)
  }
  ground.restart = async more => {
    await ground.server.stop('SIGKILL')
    log.next()
    await start(more)
  }

  ground.beside = async batch => {
    let over = false
    void batch.then(() => (over = true))
    do await expectPulse(ground.server, control)
    while (!over)
  }

  async function expectAllWell(): Promise<void> {
    const { server, resident } = ground
    if (!server.running) throw new Error(`the server ended by itself:\n${log.next().slice(-4000)}`)
    await expectPulse(server, control)
    ground.admin.close()
    expect(await sessionOf(resident), 'an honest session is kept').toBe(honest)
    resident.jar.all().forEach(cookie => secrets.add(cookie.value))
    expectLogOf(log.next(), ground.seen)
    await expectDescriptors(server, descriptors + SPARE_DESCRIPTORS)
  }
  // What broke one batch must not be what the next, or a smaller one, is found to break.
  ground.settle = () =>
    expectAllWell().catch(async (fault: unknown) => {
      await ground.restart({})
      throw fault
    })

  afterAll(async () => {
    control?.close()
    await stopAll()
  })
  return ground
}

/** Who it is, and in which session. */
async function sessionOf(browser: Visitor): Promise<string> {
  const { user, session } = await browser.session()
  return `${user?.email ?? 'nobody'} in ${session?.id ?? 'no session'}`
}

/** The last tests of a file: call it after all others. */
export function endsWell(ground: Ground): void {
  test('what was taken of memory comes back', async () => {
    expect((await ground.heap()) - ground.heapBefore).toBeLessThan(MAX_KEPT_BYTES)
  })

  test('asked to end afterwards, the process does, cleanly and in time', async () => {
    const outcome = await Promise.race([ground.server.stop('SIGTERM'), sleep(END_MS).then(() => 'still there')])
    expect(outcome).toBe(0)
  })
}

/** Lines as they are written; what has been read is let go, so that hours of it fill no disk. */
class LogReader {
  readonly #file: string
  #at = 0
  #processAt = 0
  constructor(file: string) {
    this.#file = file
  }

  processBegins(): void {
    this.#processAt = existsSync(this.#file) ? statSync(this.#file).size : 0
  }

  /** What is left of what the process of now has written. */
  ofProcess(): string {
    return readFileSync(this.#file).subarray(this.#processAt).toString()
  }

  next(): string {
    if (!existsSync(this.#file)) return ''
    const handle = openSync(this.#file, 'r')
    const { size } = fstatSync(handle)
    const bytes = Buffer.alloc(Math.max(0, size - this.#at))
    readSync(handle, bytes, 0, bytes.length, this.#at)
    closeSync(handle)
    // A line that is half written is read next time.
    const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1)
    this.#at += whole.length
    if (this.#at > MAX_LOG_BYTES && this.#at === size) this.#letGo()
    return whole.toString()
  }

  /** All but where the debugger listens, which is asked for at the end. */
  #letGo(): void {
    const kept = /^Debugger listening on .*\n/m.exec(this.ofProcess())?.[0] ?? ''
    truncateSync(this.#file)
    appendFileSync(this.#file, kept)
    this.#at = kept.length
    this.#processAt = 0
  }
}

const NOTICE =
  /^(?:Debugger listening on|For help, see: https:\/\/nodejs|Debugger (?:attached|ending)|Waiting for the debugger)/

/** What it writes is JSON, a line each, tells of no fault of ours, and holds neither stacks nor secrets. */
function expectLogOf(news: string, seen: (text: string) => void): void {
  for (const line of news.split('\n')) {
    if (line === '' || NOTICE.test(line)) continue
    const fields = lineOf(line)
    if (fields === null) throw new Error(`not one of our log lines: ${line.slice(0, 2000)}`)
    if (fields.level >= 50) throw new Error(`a fault of ours: ${line.slice(0, 4000)}`)
    if (/\\n\s+at .+:\d+:\d+/.test(line)) throw new Error(`a stack in the log: ${line.slice(0, 4000)}`)
    seen(line)
  }
}

function lineOf(line: string): { level: number } | null {
  try {
    const { level, time, msg } = JSON.parse(line) as Record<string, unknown>
    return typeof level === 'number' && typeof time === 'number' && typeof msg === 'string' ? { level } : null
  } catch {
    return null
  }
}

/** Asked at the same moment, a server of this process tells how long this machine lets anybody wait. */
async function expectPulse(server: Server, control: http.Server): Promise<void> {
  const [health, idle] = await Promise.all([timeOf(server.port), timeOf((control.address() as AddressInfo).port)])
  expect(health - idle, `milliseconds until /healthz is answered (${idle} of them are this machine's)`).toBeLessThan(
    HEALTH_MS,
  )
}

function timeOf(port: number): Promise<number> {
  const started = performance.now()
  return new Promise((done, failed) => {
    http
      .get({ port, host: '127.0.0.1', path: '/healthz', agent: false, timeout: 10_000 }, response => {
        response
          .resume()
          .on('end', () =>
            response.statusCode === 200
              ? done(performance.now() - started)
              : failed(new Error(`/healthz: ${response.statusCode}`)),
          )
      })
      .on('timeout', () => failed(new Error('/healthz is not answered within 10 s')))
      .on('error', failed)
  })
}

async function expectDescriptors(server: Server, most: number): Promise<void> {
  const until = Date.now() + SETTLED_MS
  while (usageOf(server.pid).descriptors > most) {
    if (Date.now() > until)
      throw new Error(
        `${usageOf(server.pid).descriptors} descriptors are open, ${SETTLED_MS / 1000} s after everybody left; ${most} at most are needed`,
      )
    await sleep(50)
  }
}

/** Root secrets and private parts of keys. */
function secretsIn(dataDir: string): string[] {
  const { roots, signing } = JSON.parse(readFileSync(join(dataDir, 'keys.json'), 'utf8')) as {
    roots: { secret: string }[]
    signing: unknown
  }
  return [
    ...roots.map(root => root.secret),
    ...[...JSON.stringify(signing).matchAll(/"d":"([\w-]{20,})"/g)].map(match => match[1] ?? ''),
  ]
}
