import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll } from 'vitest'
import { SETTING_KEYS, type SettingKey, variableOf } from '../../server/config/settings.ts'
import { runCommand, type Settings, stopAll, temporaryFolder } from '../support/server.ts'
import { expectOutcome, STARTS_AT_ONCE } from '../support/fuzz/outcome.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { hostileText, hostileValue } from '../support/fuzz/values.ts'

afterAll(stopAll)

interface Given {
  file: {
    name: 'porchlight.config.json' | 'porchlight.config.ts'
    settings: [SettingKey, unknown][]
    instead: string | null
  } | null
  environment: [string, string][]
}

/** May be in nothing that is printed, wherever in a configuration it stands. */
const PLANTED = 'planted-secret-0123456789'
const UPSTREAM = { name: 'orders', target: 'http://127.0.0.1:9' }
const PROVIDER = { id: 'work', kind: 'oidc', issuer: 'http://127.0.0.1:9', clientId: 'site', clientSecret: PLANTED }

/** Where any text would do, one that means something. */
const GOOD: Partial<Record<SettingKey, readonly unknown[]>> = {
  publicUrl: [
    'http://localhost:4000',
    'https://example.org',
    'https://example.org/path',
    'http://example.org',
    'https://user:pw@example.org',
    'HTTPS://EXAMPLE.ORG:443',
    'http://[::1]:1',
  ],
  host: ['127.0.0.1', '0.0.0.0', 'localhost', '::1', 'example.org'],
  upstreams: [
    [UPSTREAM],
    [UPSTREAM, UPSTREAM],
    [{ ...UPSTREAM, prefix: '/api' }],
    [{ ...UPSTREAM, prefix: '/auth/x' }],
    [{ ...UPSTREAM, token: 'provider' }],
    [{ ...UPSTREAM, token: 'exchange', provider: 'none' }],
    [{ ...UPSTREAM, timeouts: { connect: 1e17 } }],
  ],
  providers: [
    [PROVIDER],
    [PROVIDER, PROVIDER],
    [{ ...PROVIDER, id: '../x' }],
    [{ ...PROVIDER, issuer: 'file:///etc' }],
    [{ ...PROVIDER, clientSecret: [PLANTED] }],
    [{ ...PROVIDER, kind: 'oauth2' }],
    [{ ...PROVIDER, roles: { claim: '__proto__' } }],
  ],
  site: [{ static: '/nowhere' }, { upstream: 'http://127.0.0.1:9' }, { static: '/', upstream: 'http://x' }],
  login: ['password', 'token-api'],
  tokenApi: [{ target: 'http://127.0.0.1:9' }, {}],
  setupCode: [PLANTED, PLANTED.slice(0, 20), `${PLANTED} with spaces`],
  keys: [
    PLANTED,
    `{"version":2,"counter":0,"roots":[{"id":"abcd","secret":"${PLANTED}"}]}`,
    '/nowhere/keys.json',
    '{}',
  ],
  trustedProxies: [['127.0.0.1'], ['10.0.0.0/8', '::/0'], ['10.0.0.0/99']],
  relatedOrigins: [['https://example.net'], ['https://example.net/path'], 'https://example.net'],
  securityContact: ['mailto:security@example.org', 'http://x'],
  logLevel: ['info', 'silent'],
  registration: ['open'],
}

const key = fc.constantFrom(...SETTING_KEYS)
const setting = key.chain(name =>
  fc.tuple(
    fc.constant(name),
    fc.oneof(
      { arbitrary: fc.constantFrom(...(GOOD[name] ?? [1, 60, 900])), weight: 2 },
      { arbitrary: hostileValue(), weight: 3 },
    ),
  ),
)
const variable = fc.oneof(
  setting.map(([name, value]): [string, string] => [
    variableOf(name),
    typeof value === 'string' ? value : JSON.stringify(value),
  ]),
  fc.tuple(
    key.map(name => `${variableOf(name)}_FILE`),
    fc.constantFrom('/nowhere', '/', '/dev/null', '{file}', ''),
  ),
  fc.tuple(
    fc.constantFrom('PORCHLIGHT_PORTS', 'PORCHLIGHT_', 'PORCHLIGHT_CONFIG_FILE', 'PORCHLIGHT_public_url'),
    hostileText(),
  ),
)
const BROKEN = [
  '',
  '{',
  'null',
  '[]',
  '42',
  '{"port":1,}',
  '\ufeff{}',
  'export default',
  'export default null',
  'export default () => { throw new Error("no") }',
  'throw new Error("no")',
  'export const x = 1',
  'import "/nowhere.ts"',
  'process.exit(7)',
  '{"__proto__":{"port":1}}',
  'export default new Proxy({}, {})',
  'await new Promise(() => {})',
]

const of = (settings: [SettingKey, unknown][]): Given => ({
  file: { name: 'porchlight.config.json', settings, instead: null },
  environment: [],
})

fuzz<Given>('configuration', {
  input: fc.record({
    file: fc.option(
      fc.record({
        name: fc.constantFrom('porchlight.config.json', 'porchlight.config.ts'),
        settings: fc.array(setting, { maxLength: 4 }),
        instead: fc.option(fc.constantFrom(...BROKEN), { freq: 3 }),
      }),
      { freq: 4 },
    ),
    environment: fc.array(variable, { maxLength: 4 }),
  }),
  batch: STARTS_AT_ONCE,
  seeds: {
    'secrets in settings that are wrong are not printed': [
      of([['setupCode', PLANTED.slice(0, 20)]]),
      of([['providers', [{ ...PROVIDER, clientSecret: [PLANTED], id: '' }]]]),
      of([['keys', [PLANTED]]]),
      of([['tokenApi', { secret: PLANTED }]]),
    ],
  },
  async run({ file, environment }) {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'file'), PLANTED)
    const settings: Settings = { DATA_DIR: join(folder, 'data') }
    if (file !== null) {
      const object = JSON.stringify(Object.fromEntries(file.settings))
      settings['CONFIG'] = join(folder, file.name)
      writeFileSync(
        settings['CONFIG'],
        file.instead ?? (file.name.endsWith('.ts') ? `export default ${object}` : object),
      )
    }
    for (const [name, value] of environment) {
      // What an environment cannot hold.
      if (!value.includes('\0'))
        settings[name.replace('PORCHLIGHT_', '')] = value.replace('{file}', join(folder, 'file')).toWellFormed()
    }
    const { code, output } = await runCommand(['config', 'check'], { dataDir: folder, settings })
    expectOutcome(code, output, [PLANTED])
  },
  settle: () => Promise.resolve(),
})
