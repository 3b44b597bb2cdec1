import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import example from '../../examples/porchlight.config.ts'
import { loadConfig } from './load-config.ts'
import type { Environment } from './sources.ts'
import { FORMER_NAMES_END, SETTING_KEYS, variableOf } from './settings.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'porchlight-config-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const load = async (env: Environment = {}) => (await loadConfig(env, cwd)).config
const write = (name: string, text: string) => writeFileSync(join(cwd, name), text)
async function problems(env: Environment = {}): Promise<string[]> {
  const error: unknown = await loadConfig(env, cwd).then(
    () => null,
    (error: unknown) => error,
  )
  if (error instanceof OperatorError) return error.advice.map(line => line.trim())
  throw error ?? new Error('nothing was refused')
}

describe('without any configuration', () => {
  test('NI-1 NI-14 the server listens at http://localhost:3000 on loopback, with the default lifetimes', async () => {
    const config = await load()
    expect(config).toMatchObject({
      publicUrl: 'http://localhost:3000',
      port: 3000,
      loopback: true,
      secureCookies: false,
      dataDir: join(cwd, 'data'),
      keys: { file: join(cwd, 'data', 'keys.json') },
      accessMs: 900_000,
      idleMs: 604_800_000,
      browserIdleMs: 43_200_000,
      absoluteMs: 2_592_000_000,
      confirmMs: 60_000,
      graceMs: 600_000,
      passwordMinLength: 15,
      setupCode: null,
      registration: 'invite',
      trustedProxies: [],
      logLevel: 'info',
      metrics: null,
      socket: null,
      securityContact: null,
      demo: true,
    })
    expect(config.hosts[0]).toBe('127.0.0.1')
    expect(config.hosts.every(host => ['127.0.0.1', '::1'].includes(host))).toBe(true)
  })
})

describe('defaults that depend on other settings', () => {
  const seconds = async (env: Environment) => {
    const { accessMs, idleMs, browserIdleMs, absoluteMs, confirmMs, graceMs } = await load(
      Object.fromEntries(Object.entries(env).map(([name, value]) => [`PORCHLIGHT_${name}_SECONDS`, value])),
    )
    return [accessMs, idleMs, browserIdleMs, absoluteMs, confirmMs, graceMs].map(ms => ms / 1000)
  }

  test('links live as long as they do unless set, and both kinds from 1 to 30 days if set', async () => {
    const DAY = 86_400_000
    expect((await load()).linkLives).toEqual({ inviteMs: 7 * DAY, resetMs: 1_800_000 })
    expect((await load({ PORCHLIGHT_LINK_DAYS: '30' })).linkLives).toEqual({ inviteMs: 30 * DAY, resetMs: 30 * DAY })
    for (const wrong of ['0', '31', '1.5', 'a week'])
      expect((await problems({ PORCHLIGHT_LINK_DAYS: wrong })).join()).toContain('a whole number from 1 to 30')
  })

  test('setting only the port also changes the default public URL, but not a configured one', async () => {
    expect(await load({ PORCHLIGHT_PORT: '4000' })).toMatchObject({ publicUrl: 'http://localhost:4000', port: 4000 })
    expect(await load({ PORCHLIGHT_PORT: '4000', PORCHLIGHT_PUBLIC_URL: 'https://example.org' })).toMatchObject({
      publicUrl: 'https://example.org',
      port: 4000,
    })
  })

  test('one configured lifetime adjusts the others as far as necessary, and no further', async () => {
    const [days, hours] = [86_400, 3600]
    expect(await seconds({ ACCESS: '60' })).toEqual([60, 7 * days, 12 * hours, 30 * days, 26, 52])
    expect(await seconds({ ACCESS: '2' })).toEqual([2, 7 * days, 12 * hours, 30 * days, 0, 1])
    expect(await seconds({ ACCESS: String(days) })).toEqual([days, 7 * days, 2 * days, 30 * days, 60, 600])
    expect(await seconds({ IDLE: '600' })).toEqual([300, 600, 12 * hours, 30 * days, 60, 262])
    expect(await seconds({ ABSOLUTE: String(hours) })).toEqual([900, hours, hours, hours, 60, 600])
    expect(await seconds({ IDLE: String(90 * days) })).toEqual([900, 90 * days, 12 * hours, 90 * days, 60, 600])
    expect(await seconds({ LATE: '1800' })).toEqual([2058, 7 * days, 12 * hours, 30 * days, 60, 1800])
    expect(await seconds({ SETTLE: '1200' })).toEqual([1373, 7 * days, 12 * hours, 30 * days, 1200, 1201])
  })

  test('any single number with any allowed value either starts or is rejected naming the other setting to change', async () => {
    for (const name of ['ACCESS', 'IDLE', 'BROWSER_IDLE', 'ABSOLUTE', 'SETTLE', 'LATE']) {
      for (const value of [0, 1, 2, 4, 59, 60, 61, 600, 900, 3600, 43_200, 86_400, 2_592_000, 33_955_200]) {
        const said = await seconds({ [name]: String(value) }).then(
          () => '',
          async () => (await problems({ [`PORCHLIGHT_${name}_SECONDS`]: String(value) })).join(),
        )
        if (said !== '') expect(said, `${name} ${value}`).toMatch(/expected a whole number from/)
      }
    }
  })

  test('two lifetimes that contradict each other are rejected by name', async () => {
    expect(
      (await problems({ PORCHLIGHT_ACCESS_SECONDS: '60', PORCHLIGHT_REFRESH_GRACE_SECONDS: '600' })).join(),
    ).toMatch(/PORCHLIGHT_REFRESH_GRACE_SECONDS: got .*600.*; expected at most 52/)
  })

  test('config check shows the derived defaults', async () => {
    const { report } = await loadConfig({ PORCHLIGHT_ACCESS_SECONDS: '60', PORCHLIGHT_PORT: '4000' }, cwd)
    expect(
      report
        .filter(({ key }) => key === 'refreshGraceSeconds' || key === 'publicUrl')
        .map(({ value, from }) => [value, from]),
    ).toEqual([
      ['"http://localhost:4000"', 'default'],
      ['52', 'default'],
    ])
  })
})

describe('sources of settings:', () => {
  test('a TypeScript file with a plain default export', async () => {
    write('porchlight.config.ts', "const port: number = 4100\nexport default { port, registration: 'open' as const }\n")
    expect(await load()).toMatchObject({ port: 4100, registration: 'open' })
  })

  test('a JSON file', async () => {
    write(
      'porchlight.config.json',
      '{ "accessSeconds": 600, "refreshGraceSeconds": 500, "trustedProxies": ["10.0.0.0/8", "::1"] }',
    )
    expect(await load()).toMatchObject({ accessMs: 600_000, trustedProxies: ['10.0.0.0/8', '::1'] })
  })

  test('the environment wins, and PORCHLIGHT_CONFIG names another file, whose relative paths start from its folder', async () => {
    mkdirSync(join(cwd, 'etc'))
    write('porchlight.config.json', '{ "port": 1 }')
    write('etc/site.json', '{ "port": 4200, "logLevel": "warn", "dataDir": "state" }')
    const config = await load({ PORCHLIGHT_CONFIG: 'etc/site.json', PORCHLIGHT_PORT: '4300' })
    expect(config).toMatchObject({ port: 4300, logLevel: 'warn', dataDir: join(cwd, 'etc', 'state') })
  })

  test('PORCHLIGHT_X_FILE reads a file without its final line break', async () => {
    write('code', 'abcdefghijklmnopqrstuvwxyz\n')
    const config = await load({ PORCHLIGHT_SETUP_CODE_FILE: 'code' })
    expect(config.setupCode?.reveal()).toBe('abcdefghijklmnopqrstuvwxyz')
    expect(JSON.stringify(config)).not.toContain('abcdef')
  })

  test(
    'a configuration file that never finishes loading is reported after ten seconds',
    { timeout: 30_000 },
    async () => {
      write('porchlight.config.ts', 'await new Promise(() => {})\nexport default {}\n')
      const [said, ...rest] = await problems()
      expect(said).toBe(
        'porchlight.config.ts: got "porchlight.config.ts"; expected a configuration file that can be read (it was not loaded within 10 seconds).',
      )
      expect(rest).toEqual([])
    },
  )

  test('invalid content of a _FILE is not shown, since the file may have been named by mistake and contain a secret', async () => {
    write('code', 'planted-secret-0123456789')
    const settings = SETTING_KEYS.filter(key => key !== 'setupCode' && key !== 'keys')
    for (const key of settings) {
      const said = await problems({ [`${variableOf(key)}_FILE`]: 'code' }).catch(() => [])
      expect(said.join(), key).not.toContain('planted')
    }
    expect((await problems({ PORCHLIGHT_PORT_FILE: 'code' })).join()).toContain(
      'PORCHLIGHT_PORT_FILE: got 25 characters (not shown)',
    )
    expect((await problems({ PORCHLIGHT_TOKEN_API_FILE: 'code' })).join()).toContain(
      '(not shown); expected a group of fields',
    )
    write('list', '["planted-secret-0123456789", {"name": {"planted-secret-0123456789": 1}}]')
    for (const key of settings) {
      const said = await problems({ [`${variableOf(key)}_FILE`]: 'list' }).catch(() => [])
      expect(said.join(), key).not.toContain('planted')
    }
  })

  test('PORCHLIGHT_X_FILE exists for every setting and means the same as the setting itself', async () => {
    const { report: known } = await loadConfig({}, cwd)
    const values: Record<string, string> = {
      publicUrl: 'http://localhost:4100',
      host: '127.0.0.1',
      socket: 'site.sock',
      socketMode: '600',
      metricsHost: '127.0.0.2',
      dataDir: 'elsewhere',
      keys: 'keys.json',
      insecureHttp: 'true',
      setupCode: 'abcdefghijklmnopqrstuvwxyz',
      registration: 'open',
      secondFactor: 'admins',
      trustedProxies: '10.0.0.0/8',
      proxyProtocol: 'false',
      logLevel: 'warn',
      upstreams: '[{"name":"orders","target":"http://127.0.0.1:8000"}]',
      site: '{"serverRoutes":true}',
      upstreamTokenAlg: 'Ed25519',
      providers: '[]',
      login: 'password',
      absoluteSeconds: '2000000',
      idleSeconds: '600000',
      browserIdleSeconds: '40000',
      accessSeconds: '800',
      refreshGraceSeconds: '500',
      refreshConfirmSeconds: '50',
      tokenApi: '{"url":"http://127.0.0.1:8000","name":"Shop"}',
      securityContact: 'mailto:security@example.org',
      relatedOrigins: 'https://example.net, https://example.de',
      tracesUrl: 'http://127.0.0.1:4318',
      tracesHeaders: 'api-key=secret',
      tracesRatio: '0.5',
      tracesContinue: 'true',
      breachedPasswords: 'https://api.pwnedpasswords.com/range/',
      testSignIn: 'a-secret-that-only-tests-know',
      brand: '{"name":"Acme"}',
      mailUrl: 'smtps://porch:secret@mail.example.org',
      mailFrom: 'login@example.org',
      demo: 'false',
    }
    for (const { key, variable } of known) {
      const value = values[key] ?? '20'
      write('value', `${value}\n`)
      // Some settings require another; tests never sign in where it may be production.
      const needed = {
        NODE_ENV: 'test',
        ...(key === 'tokenApi' && { PORCHLIGHT_LOGIN: 'token-api' }),
        ...(key === 'mailUrl' && { PORCHLIGHT_MAIL_FROM: 'login@example.org' }),
        ...(key === 'mailFrom' && { PORCHLIGHT_MAIL_URL: 'smtp://localhost' }),
      }
      const [direct, byFile] = [
        await loadConfig({ [variable]: value, ...needed }, cwd),
        await loadConfig({ [`${variable}_FILE`]: 'value', ...needed }, cwd),
      ]
      expect(byFile.config, variable).toEqual(direct.config)
      expect(
        byFile.report.find(one => one.key === key),
        variable,
      ).toMatchObject({ from: join(cwd, 'value') })
    }
  })

  test('a credential of systemd is the setting of its name, or a variable that a provider names', async () => {
    mkdirSync(join(cwd, 'given'))
    write('given/PORCHLIGHT_SETUP_CODE', 'abcdefghijklmnopqrstuvwxyz\n')
    write('given/GOOGLE_SECRET', 'from a credential\n')
    write('given/OTHER_SECRET', 'not this one')
    const env = { CREDENTIALS_DIRECTORY: join(cwd, 'given'), OTHER_SECRET: 'from the environment' }
    const provider = { id: 'google', preset: 'google', clientId: 'x', clientSecret: { env: 'GOOGLE_SECRET' } }
    const providers = JSON.stringify([
      provider,
      { ...provider, id: 'other', clientSecret: { env: 'OTHER_SECRET' }, issuer: 'https://issuer.example' },
    ])
    const { config, report } = await loadConfig({ ...env, PORCHLIGHT_PROVIDERS: providers }, cwd)
    expect(config.setupCode?.reveal()).toBe('abcdefghijklmnopqrstuvwxyz')
    expect(config.providers.map(({ clientSecret }) => clientSecret?.reveal())).toEqual([
      'from a credential',
      'from the environment',
    ])
    expect(report.find(({ key }) => key === 'setupCode')).toMatchObject({
      from: join(cwd, 'given/PORCHLIGHT_SETUP_CODE'),
      value: '26 characters (not shown)',
    })
  })

  test('a credential that no setting has, a wrong one and one that is also a variable are refused', async () => {
    mkdirSync(join(cwd, 'given'))
    write('given/PORCHLIGHT_SETUP_CODES', 'abcdefghijklmnopqrstuvwxyz')
    write('given/PORCHLIGHT_MAIL_URL', 'planted-secret-0123456789')
    write('given/PORCHLIGHT_PORT', '4000')
    const said = await problems({ CREDENTIALS_DIRECTORY: join(cwd, 'given'), PORCHLIGHT_PORT: '3000' })
    expect(said.map(line => line.replace(/(?<=mail server) .*/, ''))).toEqual([
      'PORCHLIGHT_PORT_FILE: give either this or PORCHLIGHT_PORT, not both.',
      'PORCHLIGHT_SETUP_CODES_FILE: there is no such setting (did you mean PORCHLIGHT_SETUP_CODE_FILE?).',
      'PORCHLIGHT_MAIL_URL_FILE: got 25 characters (not shown); expected a mail server',
    ])
    expect(said.join()).not.toContain('planted')
  })

  test('a folder of credentials that is not there or not ours is none', async () => {
    expect((await load({ CREDENTIALS_DIRECTORY: join(cwd, 'nowhere') })).setupCode).toBeNull()
    expect((await load({ CREDENTIALS_DIRECTORY: '' })).setupCode).toBeNull()
  })

  test('keys are a path or the content of a key file', async () => {
    expect((await load({ PORCHLIGHT_KEYS: 'elsewhere/keys.json' })).keys).toEqual({
      file: join(cwd, 'elsewhere/keys.json'),
    })
    write('keys', '{"version":1}\n')
    const { keys } = await load({ PORCHLIGHT_KEYS_FILE: 'keys' })
    expect('content' in keys && keys.content.reveal()).toBe('{"version":1}')
  })

  test('the report gives the value and source of each setting, with secrets hidden', async () => {
    const { report } = await loadConfig(
      { PORCHLIGHT_PORT: '4300', PORCHLIGHT_SETUP_CODE: 'canary-canary-canary-canary' },
      cwd,
    )
    expect(report.find(one => one.key === 'port')).toEqual({
      key: 'port',
      variable: 'PORCHLIGHT_PORT',
      value: '4300',
      from: 'environment',
    })
    expect(report.find(one => one.key === 'accessSeconds')).toMatchObject({ value: '900', from: 'default' })
    expect(JSON.stringify(report)).not.toContain('canary')
  })
})

describe('renamed settings', () => {
  test('are read by their former names, each reported with the current one', async () => {
    write('porchlight.config.json', '{ "settleSeconds": 50 }')
    write('late', '500\n')
    const { config, renamed } = await loadConfig({ PORCHLIGHT_LATE_SECONDS_FILE: 'late' }, cwd)
    expect(config).toMatchObject({ confirmMs: 50_000, graceMs: 500_000 })
    expect(renamed).toEqual([
      { former: 'settleSeconds in porchlight.config.json', current: 'refreshConfirmSeconds' },
      { former: 'PORCHLIGHT_LATE_SECONDS_FILE', current: 'PORCHLIGHT_REFRESH_GRACE_SECONDS_FILE' },
    ])
  })

  test('are rejected next to their current names, and validated alike', async () => {
    expect(await problems({ PORCHLIGHT_LATE_SECONDS: '500', PORCHLIGHT_REFRESH_GRACE_SECONDS: '400' })).toEqual([
      'PORCHLIGHT_LATE_SECONDS: give either this or PORCHLIGHT_REFRESH_GRACE_SECONDS, not both.',
    ])
    expect((await problems({ PORCHLIGHT_SETTLE_SECONDS: 'soon' }))[0]).toMatch(
      /^PORCHLIGHT_SETTLE_SECONDS: got .*; expected a whole number/,
    )
    write('porchlight.config.json', '{ "settleSeconds": 50, "refreshConfirmSeconds": 60 }')
    expect(await problems()).toEqual([
      'settleSeconds in porchlight.config.json: give either this or refreshConfirmSeconds, not both.',
    ])
  })

  test('are gone with the version that was announced', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(version.localeCompare(FORMER_NAMES_END, 'en', { numeric: true })).toBeLessThan(0)
  })

  test('are never suggested for a misspelt name', async () => {
    expect((await problems({ PORCHLIGHT_SETLE_SECONDS: '1' }))[0]).not.toContain('SETTLE')
  })
})

test('the example file is valid', async () => {
  write('porchlight.config.json', JSON.stringify(example))
  expect((await load()).publicUrl).toBe('https://example.org')
})

describe('defaults that depend on the public URL:', () => {
  const cases: [string, object][] = [
    ['http://localhost:4000', { publicUrl: 'http://localhost:4000', port: 4000, secureCookies: false }],
    [
      'https://localhost:8443/',
      { publicUrl: 'https://localhost:8443', port: 3000, secureCookies: true, loopback: true },
    ],
    ['http://127.1.2.3', { port: 80, loopback: true }],
    ['http://[::1]:5000', { port: 5000, loopback: true }],
    ['HTTPS://Example.ORG:443', { publicUrl: 'https://example.org', port: 3000, secureCookies: true, loopback: false }],
  ]
  for (const [url, expected] of cases) {
    test(url, async () => {
      expect(await load({ PORCHLIGHT_PUBLIC_URL: url })).toMatchObject(expected)
    })
  }

  test('a public site listens on all addresses, unless a host is configured', async () => {
    expect((await load({ PORCHLIGHT_PUBLIC_URL: 'https://example.org' })).hosts).toHaveLength(1)
    expect((await load({ PORCHLIGHT_PUBLIC_URL: 'https://example.org' })).hosts[0]).toMatch(/^(::|0\.0\.0\.0)$/)
    expect((await load({ PORCHLIGHT_PUBLIC_URL: 'https://example.org', PORCHLIGHT_HOST: '127.0.0.1' })).hosts).toEqual([
      '127.0.0.1',
    ])
  })
})

describe('a unix socket', () => {
  test('takes the place of the port, unless a host or port is set as well', async () => {
    const PORCHLIGHT_SOCKET = 'run/site.sock'
    const only = await load({ PORCHLIGHT_SOCKET })
    expect(only).toMatchObject({ hosts: [], socket: { path: join(cwd, 'run/site.sock'), mode: 0o660 } })
    expect((await load({ PORCHLIGHT_SOCKET, PORCHLIGHT_PORT: '3001' })).hosts).toContain('127.0.0.1')
    expect((await load({ PORCHLIGHT_SOCKET, PORCHLIGHT_HOST: '0.0.0.0' })).hosts).toEqual(['0.0.0.0'])
    expect((await load({ PORCHLIGHT_SOCKET, PORCHLIGHT_SOCKET_MODE: '600' })).socket?.mode).toBe(0o600)
  })

  test('with a path longer than the system can bind, or a mode that shuts the server out, is refused', async () => {
    const long = `/${'a'.repeat(107)}`
    expect(await problems({ PORCHLIGHT_SOCKET: long })).toEqual([
      expect.stringMatching(/^PORCHLIGHT_SOCKET.*a path of at most 10[37] bytes/),
    ])
    if (process.platform === 'linux')
      expect((await load({ PORCHLIGHT_SOCKET: long.slice(0, 107) })).socket).not.toBeNull()
    for (const mode of ['066', '0660', '888', 'rw', '400'])
      expect(await problems({ PORCHLIGHT_SOCKET: 'a.sock', PORCHLIGHT_SOCKET_MODE: mode }), mode).toHaveLength(1)
  })
})

test('metrics are on loopback unless another address is set', async () => {
  const PORCHLIGHT_METRICS_PORT = '9464'
  expect((await load({ PORCHLIGHT_METRICS_PORT })).metrics).toEqual({ host: '127.0.0.1', port: 9464 })
  expect((await load({ PORCHLIGHT_METRICS_PORT, PORCHLIGHT_METRICS_HOST: '::' })).metrics?.host).toBe('::')
  expect((await load({ PORCHLIGHT_METRICS_HOST: '10.0.0.5' })).metrics).toBeNull()
  expect(await problems({ PORCHLIGHT_METRICS_HOST: 'example.org' })).toHaveLength(1)
})

describe('configuration problems', () => {
  test('are all reported at once, by the names as written, with the actual value and the expected one', async () => {
    write(
      'porchlight.config.json',
      '{ "port": "3000", "colour": "red", "passwordMinLenght": 20, "registration": "maybe" }',
    )
    expect(
      await problems({
        PORCHLIGHT_ACCESS_SECONDS: '1.5',
        PORCHLIGHT_PUBLIC_ULR: 'https://example.org',
        PORCHLIGHT_INSECURE_HTTP: 'yes',
        PORCHLIGHT_LOG_LEVEL: '',
      }),
    ).toEqual([
      'colour in porchlight.config.json: there is no such setting.',
      'passwordMinLenght in porchlight.config.json: there is no such setting (did you mean passwordMinLength?).',
      'PORCHLIGHT_PUBLIC_ULR: there is no such setting (did you mean PORCHLIGHT_PUBLIC_URL?).',
      'PORCHLIGHT_LOG_LEVEL: got nothing; expected a value, or the variable not set.',
      'port in porchlight.config.json: got "3000"; expected a whole number from 1 to 65535.',
      'PORCHLIGHT_ACCESS_SECONDS: got 1.5; expected a whole number from 2 to 86400.',
      'PORCHLIGHT_INSECURE_HTTP: got "yes"; expected true or false.',
      'registration in porchlight.config.json: got "maybe"; expected one of closed, invite, open.',
    ])
  })

  test('never contain a secret', async () => {
    write('porchlight.config.json', '{ "setupCode": ["canary"], "publicUrl": "https://me:canary@example.org" }')
    expect((await problems()).join()).not.toContain('canary')
    expect((await problems({ PORCHLIGHT_SETUP_CODE: 'canary' })).join()).toMatch(
      /PORCHLIGHT_SETUP_CODE: got 6 characters \(not shown\); expected at least 22/,
    )
    write('porchlight.config.json', '{ "setupCode": "canary" oops')
    expect((await problems()).join()).not.toContain('canary')
  })

  const values: [string, string[]][] = [
    [
      'PUBLIC_URL',
      [
        'example.org',
        'ftp://example.org',
        'https://example.org/app',
        'https://example.org?x',
        'https://example.org/#',
        'https://me@example.org',
        'https:\\\\example.org',
        ' https://example.org',
        'https://exa mple.org',
        'https://example.org:99999',
        'https://',
      ],
    ],
    ['HOST', ['example.org', '300.1.1.1', '127.0.0.1:80']],
    ['PORT', ['0', '-1', '65536', '3e3', '0x50', ' 80', '99999999999999999999']],
    ['TRUSTED_PROXIES', ['10.0.0.0/33', 'localhost', '10.0.0.0/8/8', '::1/129', '10.0.0.1/']],
    ['PASSWORD_MIN_LENGTH', ['7', '65']],
    ['SETUP_CODE', ['x'.repeat(21), 'with spaces in it that is long enough']],
    ['ABSOLUTE_SECONDS', ['34000000']],
  ]
  for (const [name, given] of values) {
    test(`${name} rejects ${given.length} invalid values`, async () => {
      for (const value of given) {
        const found = await problems({ [`PORCHLIGHT_${name}`]: value })
        expect(found).toHaveLength(1)
        expect(found[0]).toMatch(new RegExp(`^PORCHLIGHT_${name}: got `))
      }
    })
  }

  const rules: [string, Environment, RegExp][] = [
    [
      'an access life over half of the smaller idle time',
      { PORCHLIGHT_BROWSER_IDLE_SECONDS: '1799', PORCHLIGHT_ACCESS_SECONDS: '900' },
      /^PORCHLIGHT_ACCESS_SECONDS: got 900; expected at most 899, half of PORCHLIGHT_BROWSER_IDLE_SECONDS\.$/,
    ],
    [
      'an idle time over the absolute one',
      { PORCHLIGHT_IDLE_SECONDS: '2592001', PORCHLIGHT_ABSOLUTE_SECONDS: '2592000' },
      /^PORCHLIGHT_IDLE_SECONDS: .*at most 2592000/,
    ],
    [
      'settle that is not below late',
      { PORCHLIGHT_REFRESH_CONFIRM_SECONDS: '600', PORCHLIGHT_REFRESH_GRACE_SECONDS: '600' },
      /^PORCHLIGHT_REFRESH_CONFIRM_SECONDS: got 600; expected less than PORCHLIGHT_REFRESH_GRACE_SECONDS, which is 600/,
    ],
    [
      'late over seven eighths of the access life',
      { PORCHLIGHT_REFRESH_GRACE_SECONDS: '788', PORCHLIGHT_ACCESS_SECONDS: '900' },
      /^PORCHLIGHT_REFRESH_GRACE_SECONDS: got 788; expected at most 787/,
    ],
    [
      'plain http on another host',
      { PORCHLIGHT_PUBLIC_URL: 'http://example.org' },
      /^PORCHLIGHT_PUBLIC_URL: .*PORCHLIGHT_INSECURE_HTTP/,
    ],
    [
      'a contact that is a plain address',
      { PORCHLIGHT_SECURITY_CONTACT: 'security@example.org' },
      /^PORCHLIGHT_SECURITY_CONTACT: got "security@example\.org"; expected where to report/,
    ],
    [
      'a contact that brings lines of its own',
      { PORCHLIGHT_SECURITY_CONTACT: 'https://example.org/\nExpires: 2099' },
      /^PORCHLIGHT_SECURITY_CONTACT/,
    ],
    [
      "metrics on the site's port",
      { PORCHLIGHT_METRICS_PORT: '3000' },
      /^PORCHLIGHT_METRICS_PORT: got 3000; expected a port other than/,
    ],
    ['a value given twice', { PORCHLIGHT_PORT: '1', PORCHLIGHT_PORT_FILE: 'x' }, /either this or PORCHLIGHT_PORT/],
    [
      'a file that cannot be read',
      { PORCHLIGHT_SETUP_CODE_FILE: 'nowhere' },
      /^PORCHLIGHT_SETUP_CODE_FILE: got "nowhere"; expected the path of a readable file \(ENOENT\)/,
    ],
    [
      'a configuration file that is missing',
      { PORCHLIGHT_CONFIG: 'nowhere.ts' },
      /^PORCHLIGHT_CONFIG: got "nowhere.ts"; .*ENOENT/,
    ],
  ]
  for (const [what, env, expected] of rules) {
    test(what, async () => {
      const found = await problems(env)
      expect(found).toHaveLength(1)
      expect(found[0]).toMatch(expected)
    })
  }

  test('the limits themselves are allowed', async () => {
    await load({
      PORCHLIGHT_BROWSER_IDLE_SECONDS: '1800',
      PORCHLIGHT_IDLE_SECONDS: '2592000',
      PORCHLIGHT_REFRESH_CONFIRM_SECONDS: '599',
      PORCHLIGHT_REFRESH_GRACE_SECONDS: '787',
    })
    await load({ PORCHLIGHT_PUBLIC_URL: 'http://example.org', PORCHLIGHT_INSECURE_HTTP: 'true' })
  })

  test('demo: false removes the demo, and then an upstream may use the path of its page', async () => {
    const upstreams = '[{"name":"orders","target":"http://127.0.0.1:8000","prefix":"/proof/of/purchase"}]'
    expect(await problems({ PORCHLIGHT_UPSTREAMS: upstreams })).toEqual([
      expect.stringMatching(/^PORCHLIGHT_UPSTREAMS: .*prefixes other than \/proof.*PORCHLIGHT_DEMO/),
    ])
    expect(await problems({ PORCHLIGHT_DEMO: 'no' })).toEqual(['PORCHLIGHT_DEMO: got "no"; expected true or false.'])
    const { demo, upstreams: taken } = await load({ PORCHLIGHT_DEMO: 'false', PORCHLIGHT_UPSTREAMS: upstreams })
    expect([demo, taken.map(({ prefix }) => prefix)]).toEqual([false, ['/proof/of/purchase']])
  })

  test('two configuration files, one that does not parse, and one that exports no object are rejected', async () => {
    write('porchlight.config.json', '[]')
    expect((await problems())[0]).toMatch(/one object of settings/)
    write('porchlight.config.ts', 'export default {')
    expect((await problems())[0]).toMatch(/two configuration files/)
    rmSync(join(cwd, 'porchlight.config.json'))
    expect((await problems())[0]).toMatch(/porchlight\.config\.ts.*can be read/)
  })
})
