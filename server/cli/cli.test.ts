import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

// Each command starts a process, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const CLI = join(import.meta.dirname, '..', 'porchlight.mjs')
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('PORCHLIGHT_') && !name.startsWith('VITEST')),
)

/** The data folder is explicitly configured. */
const NAMED = { PORCHLIGHT_DATA_DIR: 'data' }

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'porchlight-cli-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

interface Ran {
  code: number | null
  out: string
  err: string
}

/** @param blocks the maximum size of any file in blocks, which simulates a full disk */
function run(
  args: string[],
  { env = {}, input = '', blocks }: { env?: Record<string, string>; input?: string; blocks?: number } = {},
): Promise<Ran> {
  const command = [process.execPath, CLI, ...args]
  const [program = '', ...rest] =
    blocks === undefined ? command : ['sh', '-c', 'ulimit -f "$0" && exec "$@"', String(blocks), ...command]
  const child = spawn(program, rest, { cwd, env: { ...inherited, ...NAMED, ...env } })
  const ran = { out: '', err: '' }
  child.stdout.on('data', data => (ran.out += String(data)))
  child.stderr.on('data', data => (ran.err += String(data)))
  child.stdin.on('error', () => {}).end(input)
  // Printed whenever a command creates a database; has a test of its own.
  return new Promise(done =>
    child.on('close', code =>
      done({ code, out: ran.out, err: ran.err.replace(/^No database in .*; creating a new one\.\n/, '') }),
    ),
  )
}

/** Whether this machine has `script` (util-linux), which provides a pseudo-terminal. */
const hasTerminal = spawnSync('script', ['--version']).stdout?.includes('util-linux') === true

/** Runs a command as somebody does who sits at a terminal, and types one line once it asks. */
function terminal(command: string, typed: string): Promise<{ out: string }> {
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd,
    env: { ...inherited, ...NAMED, NODE: process.execPath, CLI },
  })
  let out = ''
  let hasTyped = false
  child.stdout.on('data', data => {
    out += String(data)
    if (hasTyped || !out.includes('[y/N]')) return
    hasTyped = true
    child.stdin.write(`${typed}\n`)
  })
  child.stdin.on('error', () => {})
  return new Promise(done => child.on('close', () => done({ out })))
}

/** Stands in for a server: a process that builds the services and answers on the control socket. */
async function standIn(): Promise<{ kill(signal: NodeJS.Signals): Promise<void> }> {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const script = `
    import { buildServices } from ${at('../bootstrap/services.ts')}
    import { loadConfig } from ${at('../config/load-config.ts')}
    import { systemClock } from ${at('../base/clock.ts')}
    import { createLog } from ${at('../base/log.ts')}
    import { noMeter } from ${at('../base/meter.ts')}
    import { startControl } from ${at('../ops/control.ts')}
    const { config } = await loadConfig({}, process.cwd())
    const services = await buildServices({ config, clock: systemClock, log: createLog('silent'), meter: noMeter, tracing: null, what: 'the server', waitMs: 2000 })
    await startControl(services)
    console.log('ready')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd,
    env: inherited,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<void>(done => child.on('exit', () => done()))
  await new Promise(done => child.stdout.once('data', done))
  return {
    kill(signal) {
      child.kill(signal)
      return exited
    },
  }
}

describe('porchlight report', () => {
  test('judges the configuration, in three formats; only --strict fails for what is not met', async () => {
    const [text, json, html, strict, wrong] = await Promise.all([
      run(['report', '--level', '1', '--standard', 'asvs']),
      run(['report', '--format', 'json']),
      run(['report', '--format', 'html', '--level', '3']),
      run(['report', '--strict']),
      run(['report', '--level', '4']),
    ])
    expect([text.code, json.code, html.code, strict.code, wrong.code]).toEqual([0, 0, 0, 1, 1])
    expect(text.out).toMatch(/^NOT MET +12\.2\.1 L1 /m)
    expect(text.out).not.toMatch(/ L[23] |RFC 10017/)
    const report = JSON.parse(json.out) as { counts: Record<string, number>; sections: { lines: object[] }[] }
    expect(report.counts['not_met']).toBeGreaterThan(0)
    expect(report.sections.map(({ lines }) => lines.length)).toEqual([expect.any(Number), expect.any(Number)])
    expect(html.out).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/)
    expect(wrong.err).toContain('--level is one of 1, 2, 3, not "4".')
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })
})

describe('the command line', () => {
  test('--help describes the program, a group or a command', async () => {
    const [all, group, one] = await Promise.all([
      run(['--help']),
      run(['user', '--help']),
      run(['user', 'add', '--help']),
    ])
    expect(all.code).toBe(0)
    for (const name of [
      'start',
      'dev',
      'build',
      'setup',
      'user',
      'invite',
      'session',
      'key',
      'config',
      'doctor',
      'report',
      'backup',
      'restore',
    ])
      expect(all.out).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(group.out).toMatch(/porchlight user COMMAND/)
    expect(one.out).toMatch(/porchlight user add EMAIL --name NAME \[options\]/)
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })

  test('errors go to stderr as plain sentences, with exit code 1', async () => {
    const [unknown, misspelt, missing, tooMany] = await Promise.all([
      run(['frobnicate']),
      run(['key', 'rotate', '--compromized']),
      run(['user', 'disable']),
      run(['user', 'list', 'x']),
    ])
    expect([unknown.code, misspelt.code, missing.code, tooMany.code]).toEqual([1, 1, 1, 1])
    expect(unknown).toMatchObject({
      out: '',
      err: 'Unknown command: porchlight frobnicate.\nSee porchlight --help.\n',
    })
    expect(misspelt.err).toBe('Unknown option: --compromized\nDid you mean --compromised?\n')
    expect(misspelt.out).toBe('')
    expect(missing.err).toBe('\nMissing required positional argument: EMAIL.\n')
    expect(tooMany.err).toMatch(/Unexpected argument: x/)
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })

  test('a configuration file that exits the process is named, with exit code 1', async () => {
    const file = join(cwd, 'ends.config.ts')
    writeFileSync(file, 'process.exit(7)')
    const { code, err } = await run(['config', 'check'], { env: { PORCHLIGHT_CONFIG: file } })
    rmSync(file)
    expect(code).toBe(1)
    expect(err).toMatch(/^ends\.config\.ts ended the process while it was being loaded/)
  })

  test('without a command the usage is printed with exit code 0, and a typo gets a suggestion', async () => {
    const [all, group, misspelt, odd, field] = await Promise.all([
      run([]),
      run(['key']),
      run(['user', 'lst']),
      run(['constructor']),
      run(['user', 'add', 'ada', '--name', '']),
    ])
    expect(all).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^ {2}doctor /m) })
    expect(group).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^ {2}rotate /m) })
    expect(misspelt).toEqual({
      code: 1,
      out: '',
      err: 'Unknown command: porchlight user lst.\nDid you mean porchlight user list?\n',
    })
    expect(odd).toMatchObject({ code: 1, err: expect.stringMatching(/^Unknown command: porchlight constructor\./) })
    expect(field).toEqual({
      code: 1,
      out: '',
      err: 'Some fields are missing or invalid.\n  email: It is not an e-mail address.\n  name: It is too short.\n',
    })
  })

  test('a Node version that is too old is reported with the required one', async () => {
    const older =
      'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})'
    const child = spawn(process.execPath, ['--import', older, CLI, 'config', 'check'], { cwd, env: inherited })
    let said = ''
    child.stderr.on('data', data => (said += String(data)))
    expect(await new Promise(done => child.on('close', done))).toBe(1)
    expect(said).toMatch(/^Porchlight needs Node 24 or newer, and this is Node 20\.1\.0\.\nnpm ci brings the right one/)
  })

  test('healthcheck tells by its exit code whether the server can serve, and in a sentence why not', async () => {
    let status = 200
    const answers = createServer((request, response) => {
      response.writeHead(request.url === '/readyz' ? status : 404).end()
    })
    await new Promise<void>(done => answers.listen(0, '127.0.0.1', done))
    const { port } = answers.address() as AddressInfo
    const env = { PORCHLIGHT_PORT: String(port), PORCHLIGHT_HOST: '0.0.0.0' }
    expect(await run(['healthcheck'], { env })).toEqual({ code: 0, out: 'ready\n', err: '' })
    status = 503
    expect(await run(['healthcheck'], { env })).toEqual({
      code: 1,
      out: '',
      err: `The server at 127.0.0.1:${port} is not ready (status 503).\n`,
    })
    await new Promise(done => answers.close(done))
    expect((await run(['healthcheck'], { env })).err).toBe(`No server answers at 127.0.0.1:${port} (ECONNREFUSED).\n`)
    // One that accepts and says nothing.
    const silent = createSocketServer(() => {})
    await new Promise<void>(done => silent.listen(port, '127.0.0.1', done))
    expect((await run(['healthcheck'], { env })).err).toMatch(/did not answer within 5 seconds/)
    silent.close()
  })

  test('healthcheck --wait asks again until the server can serve, or the time is over', async () => {
    let asked = 0
    const answers = createServer((_request, response) => response.writeHead(++asked < 3 ? 503 : 200).end())
    await new Promise<void>(done => answers.listen(0, '127.0.0.1', done))
    const { port } = answers.address() as AddressInfo
    const env = { PORCHLIGHT_PORT: String(port), PORCHLIGHT_HOST: '127.0.0.1' }
    expect(await run(['healthcheck', '--wait', '60'], { env })).toEqual({ code: 0, out: 'ready\n', err: '' })
    expect(asked).toBe(3)
    asked = Number.NEGATIVE_INFINITY
    expect(await run(['healthcheck', '--wait', '1'], { env })).toMatchObject({
      code: 1,
      err: expect.stringContaining('not ready (status 503)') as string,
    })
    expect((await run(['healthcheck', '--wait', 'long'], { env })).err).toBe('--wait takes a whole number, not long.\n')
    const ended = spawn('true')
    await new Promise(done => ended.on('exit', done))
    const pid = String(ended.pid)
    expect((await run(['healthcheck', '--wait', '60', '--pid', pid], { env })).err).toBe(`Process ${pid} has ended.\n`)
    await new Promise(done => answers.close(done))
  })

  test('every configuration problem is reported at once, whatever the command', async () => {
    writeFileSync(join(cwd, 'porchlight.config.ts'), 'export default { prt: 1 }')
    const env = { PORCHLIGHT_PORT: 'x', PORCHLIGHT_SETUP_CODE: 'canary' }
    for (const { code, out, err } of await Promise.all([
      run(['config', 'check'], { env }),
      run(['start'], { env }),
      run(['user', 'list'], { env }),
    ])) {
      expect([code, out]).toEqual([1, ''])
      expect(err).toBe(
        [
          "Porchlight's configuration has 3 problems:",
          '  prt in porchlight.config.ts: there is no such setting (did you mean port?).',
          '  PORCHLIGHT_PORT: got "x"; expected a whole number from 1 to 65535.',
          '  PORCHLIGHT_SETUP_CODE: got 6 characters (not shown); expected at least 22 characters without spaces, such as `openssl rand -hex 16` prints.',
          '',
        ].join('\n'),
      )
    }
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })

  test('config check shows each setting and its source, as a table or JSON', async () => {
    const [table, json] = await Promise.all([
      run(['config', 'check']),
      run(['config', 'check', '--json'], { env: { PORCHLIGHT_PORT: '4000' } }),
    ])
    expect(table.out).toMatch(/^accessSeconds +PORCHLIGHT_ACCESS_SECONDS +900 +default$/m)
    const { settings } = JSON.parse(json.out) as { settings: { key: string; value: string; from: string }[] }
    expect(settings.find(one => one.key === 'port')).toMatchObject({ value: '4000', from: 'environment' })
  })
})

describe('without a running server', () => {
  const shell = (line: string) =>
    new Promise<Ran>(done => {
      const child = spawn('bash', ['-c', `set -o pipefail; ${line}`], {
        cwd,
        env: { ...inherited, NODE: process.execPath, CLI },
      })
      const ran = { out: '', err: '' }
      child.stdout.on('data', data => (ran.out += String(data)))
      child.stderr.on('data', data => (ran.err += String(data)))
      child.on('close', code => done({ code, ...ran }))
    })

  test("a command without the service's settings creates no installation of its own, and says what it needs", async () => {
    for (const command of ['setup', 'user list', 'invite', 'key rotate', 'backup copy']) {
      const { code, out, err } = await shell(`"$NODE" "$CLI" ${command}`)
      expect([code, out], command).toEqual([1, ''])
      expect(err).toMatch(/^There is no database in \S+\/data, and no server is running there\.\n.*PORCHLIGHT_DATA_DIR/)
    }
    expect(existsSync(join(cwd, 'data'))).toBe(false)
    const { code, err } = await shell('PORCHLIGHT_DATA_DIR=there "$NODE" "$CLI" setup')
    expect([code, err]).toEqual([0, `No database in ${join(cwd, 'there')}; creating a new one.\n`])
    // If there is one, the folder need not be named.
    await shell('PORCHLIGHT_DATA_DIR=data "$NODE" "$CLI" setup')
    expect(await shell('"$NODE" "$CLI" setup')).toMatchObject({ code: 0, err: '' })
  })

  test('a command ends silently when its reader closes the pipe', async () => {
    for (const [reader, seen] of [
      ['head -n 1', 'SETTING'],
      ['true', ''],
    ]) {
      const { out, err } = await shell(`for i in 1 2 3; do "$NODE" "$CLI" config check; done | ${reader}`)
      expect([out.slice(0, 7), err]).toEqual([seen, ''])
    }
  })

  test('accounts are created with a password or a link, listed and disabled, and the last administrator cannot be disabled', async () => {
    const added = await run(['user', 'add', 'ada@example.org', '--name', 'Ada', '--admin', '--with-password'], {
      input: 'quiet lantern over the porch\n',
    })
    expect(added).toEqual({ code: 0, out: 'ada@example.org can sign in now.\n', err: '' })
    const short = await run(['user', 'add', 'eve@example.org', '--name', 'Eve', '--with-password'], { input: 'short' })
    expect([short.code, short.err]).toEqual([1, expect.stringMatching(/too short[^]*at least 15/)])
    expect((await run(['user', 'add', 'bob@example.org', '--name', 'Bob'])).out).toMatch(
      /http:\/\/localhost:3000\/reset#code=/,
    )
    expect((await run(['user', 'disable', 'bob@example.org'])).code).toBe(0)
    const list = JSON.parse((await run(['user', 'list', '--json'])).out) as {
      email: string
      disabledAt: number | null
    }[]
    expect(list.map(one => [one.email, one.disabledAt === null])).toEqual([
      ['ada@example.org', true],
      ['bob@example.org', false],
    ])
    expect((await run(['user', 'disable', 'ada@example.org'])).err).toMatch(/At least one administrator/)
    expect((await run(['setup'])).err).toMatch(/already been set up/)
  })

  test('the first account becomes an administrator, and without a terminal only if an option says so', async () => {
    const add = (...more: string[]) => run(['user', 'add', 'ada@example.org', '--name', 'Ada', ...more])
    expect(await add()).toEqual({
      code: 1,
      out: '',
      err: 'There are no accounts yet: ada@example.org will be an administrator. Continue? Confirm with --yes.\n',
    })
    expect(JSON.parse((await run(['user', 'list', '--json'])).out)).toEqual([])
    expect((await add('--yes')).code).toBe(0)
    expect((await run(['user', 'add', 'bob@example.org', '--name', 'Bob'])).code, 'the second is a user').toBe(0)
    expect(
      (JSON.parse((await run(['user', 'list', '--json'])).out) as { roles: string[] }[]).map(({ roles }) => roles),
    ).toEqual([['admin', 'user'], ['user']])
  })

  test.skipIf(!hasTerminal)(
    'the first account becomes an administrator, if somebody at a terminal says y',
    async () => {
      for (const [typed, says] of [
        ['', /Nothing was changed/],
        ['y', /http:\/\/localhost:3000\/reset#code=/],
      ] as const) {
        const { out } = await terminal(`"$NODE" "$CLI" user add ada@example.org --name Ada`, typed)
        expect(out).toContain('will be an administrator. Continue? [y/N]')
        expect(out).toMatch(says)
      }
    },
  )

  test('people are imported from a file or stdin, line by line', async () => {
    const hash = '$2y$04$Mn.NCx8x4GxpoDPe1SFFV.BbXkvZ.3qumLecLBY86EtRWszdfxoUC'
    const lines = [
      '\ufeff{"email": "ada@example.org", "name": "Ada", "roles": ["admin"]}',
      `{"email": "bob@example.org", "name": "Bob", "passwordHash": "${hash}"}`,
      '',
      `{"email": "cy@example.org", "passwordHash": "a password"}`,
      `{"email": "dan@example.org", "passwordHash": "${hash}"`,
      '{"email": "BOB@example.org"}',
      `{"email": "eve@example.org", "name": "${'x'.repeat(5000)}"}`,
    ]
    const refused = [
      'line 4: passwordHash: not a hash of a known kind',
      'line 5: not JSON',
      'line 7: longer than 4096 bytes, or not UTF-8',
    ]
    writeFileSync(join(cwd, 'people.jsonl'), lines.join('\r\n'))
    const trial = await run(['user', 'import', 'people.jsonl', '--dry-run'])
    expect([trial.code, trial.out]).toEqual([1, ''])
    expect(trial.err.trim().split('\n')).toEqual([
      ...refused.slice(1),
      refused[0],
      'line 6: the address of line 2 again; skipped',
      'Would import 2, 1 skipped, 3 refused.',
    ])
    const done = await run(['user', 'import', '-', '--links'], { input: lines.join('\n') })
    expect(done.out).toMatch(/^ada@example\.org\thttp:\/\/localhost:3000\/reset#code=\S+\n$/)
    expect(done.err).toContain('Imported 2, 1 skipped, 3 refused.')
    expect(done.err + trial.err).not.toMatch(/\$2y|a password|xxx/)
    const again = await run(['user', 'import', 'people.jsonl', '--json'])
    expect(JSON.parse(again.out)).toMatchObject({ dryRun: false, imported: 0, existing: [1, 2] })
    expect((await run(['user', 'import', 'none.jsonl'])).err).toMatch(/^Cannot read none\.jsonl \(ENOENT\)\./)
  })

  test('an account from before a token API was configured can be linked to a subject of it', async () => {
    const env = {
      PORCHLIGHT_LOGIN: 'token-api',
      PORCHLIGHT_TOKEN_API: JSON.stringify({ name: 'Shop', url: 'http://127.0.0.1:9' }),
    }
    for (const name of ['ada', 'bob'])
      expect(
        (
          await run(['user', 'add', `${name}@example.org`, '--name', name, '--yes', '--with-password'], {
            input: 'quiet lantern over the porch\n',
          })
        ).code,
      ).toBe(0)
    expect(await run(['user', 'link', 'ada@example.org', 'u-1'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/does not use an external API for passwords/) as unknown,
    })
    expect(await run(['user', 'add', 'carol@example.org', '--name', 'Carol'], { env })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/Accounts are managed by Shop/) as unknown,
    })
    expect((await run(['user', 'list'], { env })).out, 'nothing was made before the refusal').not.toContain('carol')
    const linked = { code: 0, out: 'Signing in at Shop as u-1 now opens the account of ada@example.org.\n', err: '' }
    expect(await run(['user', 'link', 'ada@example.org', 'u-1'], { env })).toEqual(linked)
    expect(await run(['user', 'link', 'ada@example.org', 'u-1'], { env }), 'twice is once').toEqual(linked)
    expect((await run(['user', 'link', 'ada@example.org', 'u-2'], { env })).err).toMatch(
      /already linked to u-1 of Shop/,
    )
    expect(await run(['user', 'link', 'bob@example.org', 'u-1'], { env })).toMatchObject({ code: 1, out: '' })
    expect((await run(['user', 'link', 'eve@example.org', 'u-3'], { env })).err).toMatch(
      /No account has the e-mail address/,
    )
  })

  test('an unusable data folder or a full disk is reported as a sentence, and a start works once there is space', async () => {
    writeFileSync(join(cwd, 'file'), '')
    const noFolder = await run(['user', 'list'], { env: { PORCHLIGHT_DATA_DIR: 'file' } })
    expect([noFolder.code, noFolder.err]).toEqual([
      1,
      expect.stringMatching(/is not a folder \(ENOTDIR\)\.\nSomething else has that name/),
    ])
    const full = await run(['user', 'list'], { blocks: 20 })
    expect([full.code, full.err]).toEqual([1, expect.stringMatching(/no space left[^]*Free up space/)])
    expect((await run(['user', 'list'])).code).toBe(0)
    const later = await run(['invite'], { blocks: 1 })
    expect([later.code, later.err]).toEqual([1, expect.stringMatching(/full disk/)])
    expect((await run(['invite'])).code).toBe(0)
  })

  test('doctor exits with 1 if something is broken, and changes nothing', async () => {
    await run(['key', 'list'])
    expect((await run(['doctor'])).code).toBe(0)
    rmSync(join(cwd, 'data', 'keys.json'))
    const { code, out } = await run(['doctor'])
    expect(code).toBe(1)
    expect(out).toMatch(/^fail {2}The key file .* is missing, but there is a database\n {6}→ Restore it/m)
    expect(existsSync(join(cwd, 'data', 'keys.json'))).toBe(false)
  })

  test('key rotation follows its options, --compromised asks first, and an id may begin with a dash', async () => {
    await run(['user', 'add', 'ada@example.org', '--name', 'Ada', '--admin', '--with-password'], {
      input: 'quiet lantern over the porch\n',
    })
    expect((await run(['key', 'rotate', '--reseal'])).out).toMatch(
      /^The key \S+ is now in use\.\nThe key \S+ is published now[^]*\nStored passwords re-encrypted: 1\.\n/,
    )
    expect(await run(['key', 'rotate', '--compromised'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/Everyone will be signed out[^]*--yes/),
    })
    expect((await run(['key', 'rotate', '--compromised', '--yes'])).out).toMatch(
      /\nKeys retired: 2\. Sessions ended: 0\./,
    )
    expect((await run(['key', 'list'])).out.match(/seals and opens|opens$/gm)).toEqual(['seals and opens'])
    expect(
      await run(['user', 'reset-password', 'ada@example.org', '--with-password'], {
        input: 'another lantern over there\n',
      }),
    ).toEqual({ code: 0, out: 'ada@example.org has a new password and is signed out everywhere.\n', err: '' })
    expect((await run(['session', 'end', '-id-with-a-dash'])).err).toMatch(
      /Unknown option: -id-with-a-dash\nSee --help\.\n.*after --/,
    )
    expect((await run(['session', 'end', '--', '-id-with-a-dash'])).err).toBe(
      'No live session has the id -id-with-a-dash.\n',
    )
  })

  test('backup and restore, which asks first', async () => {
    await run(['user', 'add', 'ada@example.org', '--name', 'Ada', '--admin'])
    expect((await run(['backup', 'copy.db'])).out).toMatch(/does not include the key file/)
    expect((await run(['backup', 'copy.db'])).err).toMatch(/already exists/)
    expect((await run(['restore', 'copy.db'])).err).toMatch(/--yes/)
    expect(await run(['restore', 'copy.db', '--yes'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/The backup is restored/),
    })
    expect((await run(['user', 'list'])).out).toMatch(/ada@example\.org/)
  })
})

describe('next to a running server', () => {
  test('an import that is stopped says where, and what was done until then', async () => {
    mkdirSync(join(cwd, 'data'), { mode: 0o700 })
    let batches = 0
    const link = 'http://localhost:3000/reset#code=x'
    const server = createServer((_, response) => {
      const results = Array.from({ length: 100 }, () => ({ outcome: 'imported', why: null, link }))
      const problem = { code: 'store_unavailable', status: 503, title: '' }
      response.end(JSON.stringify(++batches === 1 ? { output: { results } } : { problem }))
    }).listen(join(cwd, 'data', 'control.sock'))
    await once(server, 'listening')
    const lines = Array.from({ length: 250 }, (_, n) => JSON.stringify({ email: `p${n}@example.org` }))
    const stopped = await run(['user', 'import', '-', '--links'], { input: ['', ...lines].join('\n') })
    server.close()
    expect(stopped.code).toBe(1)
    expect(stopped.out.trim().split('\n')).toHaveLength(100)
    expect(stopped.err).toBe(
      [
        'Stopped before line 102. Run the same command again to go on.',
        'Imported 100, 0 skipped, 0 refused.',
        'The database is unavailable.\n',
      ].join('\n'),
    )
  })

  test('the server executes the command; a second server and a restore are refused; kill -9 leaves no stale lock', async () => {
    const first = await standIn()
    const setup = await run(['setup', '--json'])
    expect([setup.code, setup.err]).toEqual([0, ''])
    expect(JSON.parse(setup.out)).toMatchObject({ href: expect.stringMatching(/set-up#code=/) })
    const [start, restore] = await Promise.all([run(['start']), run(['restore', 'x', '--yes'])])
    expect([start.code, start.err]).toEqual([
      1,
      expect.stringMatching(/Another process \(the server, pid \d+\) is using the data folder/),
    ])
    expect([restore.code, restore.err]).toEqual([1, expect.stringMatching(/server is running/)])
    await first.kill('SIGKILL')
    expect(existsSync(join(cwd, 'data', 'control.sock'))).toBe(true)
    // Now without a server, whose socket was left behind.
    expect((await run(['user', 'list'])).out).toMatch(/No accounts yet/)
    const second = await standIn()
    const crowd = Array.from({ length: 250 }, (_, n) =>
      JSON.stringify({ email: `p${n}@example.org`, roles: ['admin'] }),
    )
    expect(await run(['user', 'import', '-'], { input: crowd.join('\n') })).toEqual({
      code: 0,
      out: '',
      err: 'Imported 250, 0 skipped, 0 refused.\n',
    })
    expect(await run(['invite', '--json'])).toMatchObject({ code: 0, err: '' })
    await second.kill('SIGKILL')
  })
})
