import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { filesShownIn } from './guide-blocks.ts'
import { environmentFor } from './python.ts'
import { ROOT, statusOf, temporaryFolder, waitUntil } from './server.ts'

const run = promisify(execFile)
const APPS = join(ROOT, 'tests/apps/verifiers')
const CACHE = join(ROOT, 'node_modules/.cache/verifiers')
const GUIDE = filesShownIn('docs/guides/verifying-apis.md')
/** A JVM on a busy machine. */
const START_MS = 90_000

/** An API of docs/guides/verifying-apis.md. */
export interface Verifier {
  port: number
  stop(): Promise<void>
}

/** What it has to be told: the guide's own values are replaced. */
interface Place {
  issuer: string
  port: number
}

interface Recipe {
  /** What it needs, as commands that then succeed, and the Debian packages that bring it. */
  needs: Record<string, string>
  /** Whether it refuses JWTs of another type. */
  checksType: boolean
  /** The `tokenType` that the guide tells to set for its upstream. */
  tokenType: 'at+jwt' | 'JWT'
  /** @returns the command that starts it in `folder` */
  prepare(folder: string, place: Place): Promise<[string, ...string[]]>
}

const PYTHON = { 'python3 -c "import ensurepip, venv"': 'python3-venv' }

export const RECIPES: Record<string, Recipe> = {
  'FastAPI and PyJWT': {
    needs: PYTHON,
    checksType: true,
    tokenType: 'at+jwt',
    async prepare(folder, place) {
      write(folder, 'api.py', place)
      write(folder, 'people.py', place)
      return [python(), '-m', 'uvicorn', 'people:app', '--host', '127.0.0.1', '--port', String(place.port)]
    },
  },
  'Flask and Authlib': {
    needs: PYTHON,
    checksType: true,
    tokenType: 'at+jwt',
    async prepare(folder, place) {
      write(folder, 'app.py', place)
      return [python(), '-m', 'flask', '--app', 'app', 'run', '--port', String(place.port)]
    },
  },
  'express-oauth2-jwt-bearer': {
    needs: {},
    checksType: true,
    tokenType: 'at+jwt',
    async prepare(folder, place) {
      write(folder, 'server.mjs', place)
      symlinkSync(await nodeModules(), join(folder, 'node_modules'))
      return [process.execPath, 'server.mjs']
    },
  },
  'go-oidc': {
    // Before 1.21 it cannot fetch the newer one that a module asks for.
    needs: { 'test -n "$(go env GOTOOLCHAIN)"': 'golang-go' },
    checksType: false,
    tokenType: 'at+jwt',
    async prepare(folder, place) {
      cpSync(join(APPS, 'go'), folder, { recursive: true })
      write(folder, 'main.go', place)
      await run('go', ['build', '-o', 'orders', '.'], { cwd: folder })
      return [join(folder, 'orders')]
    },
  },
  'Spring Boot': {
    needs: { 'javac --release 17 -version': 'default-jdk-headless', 'mvn -v': 'maven' },
    checksType: true,
    tokenType: 'JWT',
    async prepare(folder, place) {
      const pom = readFileSync(join(APPS, 'spring/pom.xml'), 'utf8')
      writeFileSync(join(folder, 'pom.xml'), pom.replace('<!-- and what the guide adds -->', shown('pom.xml')))
      write(folder, 'src/main/java/example/Orders.java', place)
      write(folder, 'src/main/resources/application.yaml', place)
      await run('mvn', ['-q', '-B', '-DskipTests', 'package'], { cwd: folder })
      return ['java', '-XX:TieredStopAtLevel=1', '-jar', 'target/orders-1.jar']
    },
  },
}

/**
 * Whether this machine has what it needs. In CI it has to.
 * @throws in CI, when it has not
 */
export async function isAvailable(name: string): Promise<boolean> {
  const missing: string[] = []
  for (const [command, debian] of Object.entries(RECIPES[name]?.needs ?? {})) {
    const works = await run('sh', ['-c', command]).then(
      () => true,
      () => false,
    )
    if (!works) missing.push(debian)
  }
  if (missing.length === 0) return true
  const message = `${name} in docs/guides/verifying-apis.md. On Debian: apt-get install ${missing.join(' ')}`
  if (process.env['CI'] === 'true') throw new Error(`Cannot be tested: ${message}`)
  process.stderr.write(`\n\n!!! NOT TESTED: ${message}\n\n`)
  return false
}

export type StartVerifier = () => Promise<Verifier>

/**
 * Builds it, which takes long the first time.
 * @returns a function that starts it and waits until it answers
 */
export async function prepareVerifier(name: string, place: Place): Promise<StartVerifier> {
  const recipe = RECIPES[name]
  if (recipe === undefined) throw new Error(`no recipe for ${name}`)
  const folder = temporaryFolder()
  const [program, ...args] = await recipe.prepare(folder, place)
  return async () => {
    const child = spawn(program, args, { cwd: folder, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
    await waitUntil(
      async () => {
        if (child.exitCode !== null) throw new Error(`${name} ended:\n${output}`)
        return (await statusOf(place.port, '/orders')) !== null
      },
      `${name} to answer; it wrote:\n`,
      () => output,
      START_MS,
    )
    return { port: place.port, stop: () => end(child) }
  }
}

function shown(file: string): string {
  const text = GUIDE.get(file)
  if (text === undefined) throw new Error(`the guide does not show ${file}`)
  return text
}

function write(folder: string, path: string, { issuer, port }: Place): void {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  const text = shown(path.split('/').at(-1) ?? '')
  writeFileSync(file, text.replaceAll('http://localhost:3000', issuer).replaceAll('8000', String(port)))
}

function python(): string {
  return environmentFor('python3', join(APPS, 'python/requirements.txt'))
}

/** Installed once for each lock file. */
async function nodeModules(): Promise<string> {
  const lock = readFileSync(join(APPS, 'node/package-lock.json'))
  const finished = join(CACHE, createHash('sha256').update(lock).digest('hex').slice(0, 16))
  if (!existsSync(finished)) {
    const building = `${finished}.${process.pid}`
    cpSync(join(APPS, 'node'), building, { recursive: true })
    await run('npm', ['ci', '--silent', '--no-audit', '--no-fund'], { cwd: building })
    if (existsSync(finished)) rmSync(building, { recursive: true })
    else renameSync(building, finished)
  }
  return join(finished, 'node_modules')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
