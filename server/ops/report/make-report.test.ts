import { expect, test } from 'vitest'
import { DAY } from '../../base/clock.ts'
import { Secret } from '../../base/secret.ts'
import type { Config } from '../../config/types.ts'
import { BFF } from './bff.ts'
import { LEVELS } from './asvs-levels.ts'
import { ASVS, makeReport, STANDARDS } from './make-report.ts'
import type { Facts } from './requirement.ts'
import { factsOf, GOOD, ORDERS, PROVIDER } from './report.testing.ts'

const upstreams = (...all: object[]) => ({ UPSTREAMS: JSON.stringify(all.map(one => ({ ...ORDERS, ...one }))) })
const providers = (...all: object[]) => ({ PROVIDERS: JSON.stringify(all.map(one => ({ ...PROVIDER, ...one }))) })
const TOKEN_API = JSON.stringify({
  name: 'Shop',
  url: 'https://shop.example',
  userInfo: '/users/me',
  fields: { subject: 'username' },
})
/** As with keys and certificates in files, which would have to be there. */
const byKey = (config: Config): Config => ({
  ...config,
  upstreams: config.upstreams.map(upstream => ({
    ...upstream,
    tls: { ca: null, client: { cert: 'a certificate', key: new Secret('its key') }, keyFile: null },
  })),
  providers: config.providers.map(provider => ({ ...provider, clientAuth: 'private_key_jwt' })),
})
const { UPSTREAMS: _, PROVIDERS: __, ...ALONE } = GOOD
const { TRUSTED_PROXIES: ___, ...DIRECT } = GOOD

const same = (config: Config) => config

interface Situation {
  settings: Record<string, string>
  facts?: Partial<Facts>
  env?: Record<string, string>
  change?: (config: Config) => Config
  /** By id: the state that it leads to. */
  leads: Record<string, string>
}

const GOOD_LEADS = {
  'BBA-1': 'met',
  'BBA-4': 'met',
  'BBA-14': 'met',
  'BBA-15': 'met',
  'BBA-21': 'met',
  'BBA-22': 'met',
  '3.3.1': 'met',
  '3.4.1': 'met',
  '3.4.4': 'met',
  '3.5.4': 'met',
  '3.7.4': 'untold',
  '4.1.4': 'met',
  '6.2.1': 'met',
  '6.3.2': 'met',
  '6.3.3': 'not_met',
  '6.3.5': 'not_met',
  '6.3.7': 'not_met',
  '7.3.2': 'met',
  '8.2.1': 'met',
  '9.2.2': 'met',
  '9.2.4': 'met',
  '10.2.3': 'untold',
  '10.3.1': 'untold',
  '10.4.16': 'not_met',
  '12.1.1': 'untold',
  '12.2.1': 'met',
  '12.3.1': 'met',
  '12.3.5': 'not_met',
  '13.2.1': 'met',
  '13.3.2': 'met',
  '13.3.4': 'met',
  '13.4.2': 'met',
  '13.4.5': 'met',
  '14.3.2': 'met',
  '15.2.3': 'met',
}

const SITUATIONS: Record<string, Situation> = {
  'all is well': { settings: GOOD, leads: GOOD_LEADS },
  'nothing answers at the public URL': {
    settings: GOOD,
    facts: { headers: null },
    leads: { '3.4.1': 'met', '14.3.2': 'met' },
  },
  'the proxy takes headers away': {
    settings: GOOD,
    facts: { headers: new Headers() },
    leads: { '3.4.1': 'not_met', '3.4.4': 'not_met', '14.3.2': 'not_met' },
  },
  'the proxy shortens HSTS': {
    settings: GOOD,
    facts: { headers: new Headers({ 'strict-transport-security': 'max-age=300' }) },
    leads: { '3.4.1': 'not_met' },
  },
  'first steps on this machine': {
    settings: {},
    leads: {
      'BBA-4': 'not_met',
      'BBA-7': 'not_met',
      'BBA-1': 'not_applicable',
      '12.2.1': 'not_met',
      '15.2.3': 'not_met',
    },
  },
  'plain http for everybody': {
    settings: { ...GOOD, PUBLIC_URL: 'http://porch.example', INSECURE_HTTP: 'true' },
    leads: { 'BBA-4': 'not_met', '3.3.1': 'not_met', '3.3.3': 'not_met', '3.4.1': 'not_met', '12.2.1': 'not_met' },
  },
  'nothing behind it, and nobody beside it': {
    settings: ALONE,
    leads: {
      'BBA-15': 'not_applicable',
      'BBA-21': 'not_applicable',
      '4.1.4': 'not_applicable',
      '6.8.1': 'not_applicable',
      '9.2.4': 'not_applicable',
      '10.5.1': 'not_applicable',
    },
  },
  'careless upstreams': {
    settings: {
      ...GOOD,
      ...upstreams(
        { methods: undefined, requires: undefined, encodedPaths: true, tokenType: 'JWT', document: true },
        { name: 'second', audience: 'orders', websocket: true },
        { name: 'third', token: 'none', requires: undefined, target: 'http://third.example' },
      ),
    },
    leads: {
      'BBA-14': 'not_met',
      'BBA-15': 'not_met',
      '3.5.4': 'not_met',
      '4.1.4': 'not_met',
      '4.4.1': 'met',
      '4.4.2': 'met',
      '8.2.1': 'untold',
      '9.2.2': 'not_met',
      '9.2.4': 'not_met',
      '12.3.1': 'not_met',
      '12.3.3': 'not_met',
      '13.2.1': 'not_met',
    },
  },
  'two providers, of which one is asked as a public client': {
    settings: {
      ...GOOD,
      ...providers(
        {},
        {
          id: 'open',
          issuer: 'https://open.example',
          clientSecret: undefined,
          clientAuth: 'none',
          recheckSeconds: 0,
          roles: { claim: 'groups', admin: ['staff'] },
        },
      ),
    },
    leads: { 'BBA-1': 'not_met', '7.6.1': 'not_met', '8.3.2': 'not_met', '10.2.2': 'met' },
  },
  'the internet is trusted': {
    settings: { ...GOOD, TRUSTED_PROXIES: '0.0.0.0/0' },
    leads: { 'BBA-22': 'not_met', '4.1.3': 'not_met', '6.3.1': 'not_met', '15.3.4': 'not_met' },
  },
  'no proxy is named': {
    settings: DIRECT,
    leads: { 'BBA-22': 'untold', '6.3.1': 'untold' },
  },
  'sessions of a year': {
    settings: { ...GOOD, IDLE_SECONDS: '31536000', ABSOLUTE_SECONDS: '31536000' },
    leads: { '7.3.1': 'not_met', '7.3.2': 'not_met' },
  },
  'a test sign-in, debugging, and metrics for all': {
    settings: {
      ...GOOD,
      PUBLIC_URL: 'http://localhost:3000',
      HOST: '127.0.0.1',
      TEST_SIGN_IN: 'a-secret-of-tests-0123456789abcdef',
      LOG_LEVEL: 'debug',
      METRICS_PORT: '9100',
      METRICS_HOST: '10.0.0.5',
    },
    facts: { nodeEnv: 'test' },
    env: { NODE_ENV: 'test' },
    leads: { '6.3.2': 'not_met', '13.4.2': 'not_met', '13.4.5': 'untold' },
  },
  'others can read the keys, and one is old': {
    settings: GOOD,
    facts: { exposures: ['Everybody can read the key file'], signingKeyMadeAt: Date.UTC(2026, 10, 29) - 200 * DAY },
    leads: { '13.3.2': 'not_met', '13.3.4': 'not_met' },
  },
  'second factors are required, and a provider is trusted with them': {
    settings: { ...GOOD, SECOND_FACTOR: 'required', ...providers({ secondFactor: 'trust' }) },
    leads: { '6.3.3': 'met', '6.3.4': 'untold' },
  },
  'an API keeps passwords': {
    settings: { ...ALONE, LOGIN: 'token-api', TOKEN_API },
    leads: { '6.2.1': 'not_applicable', '6.3.3': 'not_applicable', '6.3.8': 'not_applicable' },
  },
  'providers and upstreams that need a key': {
    settings: GOOD,
    change: byKey,
    leads: { '10.4.16': 'met', '12.3.5': 'met' },
  },
  'a front end of its own': {
    settings: { ...GOOD, SITE: JSON.stringify({ upstream: 'https://front.example' }) },
    leads: { '3.4.3': 'untold', '3.6.1': 'untold', '14.2.3': 'untold', '14.3.1': 'untold', '14.3.3': 'untold' },
  },
  'mail is sent in the open': {
    settings: { ...GOOD, MAIL_URL: 'smtp://mail.example?tls=off', MAIL_FROM: 'login@porch.example' },
    leads: { '12.3.1': 'not_met', '12.3.3': 'met' },
  },
  'mail is sent': {
    settings: { ...GOOD, MAIL_URL: 'smtps://porch:secret@mail.example', MAIL_FROM: 'login@porch.example' },
    leads: { '6.3.5': 'met', '6.3.7': 'met' },
  },
  'no keys yet': { settings: GOOD, facts: { signingKeyMadeAt: null }, leads: { '13.3.4': 'untold' } },
}

const outcomes = await Promise.all(
  Object.entries(SITUATIONS).map(async ([title, { settings, facts, env, leads, change = same }]) => {
    const found = await factsOf(settings, facts, env)
    const all = makeReport({ ...found, config: change(found.config) }, { level: 3, standards: STANDARDS }).sections
    return {
      title,
      leads,
      states: new Map(all.flatMap(({ lines }) => lines.map(({ id, outcome }) => [id, outcome.state]))),
    }
  }),
)

test.each(outcomes)('$title', ({ leads, states }) => {
  expect(Object.fromEntries(Object.keys(leads).map(id => [id, states.get(id)]))).toEqual(leads)
})

test('whatever depends on an installation was seen with two outcomes, and nothing else was', () => {
  const seen = (id: string) => new Set(outcomes.map(({ states }) => states.get(id)))
  const all = [...BFF, ...ASVS]
  expect(all.filter(({ fixed, id }) => !fixed && seen(id).size < 2).map(({ id }) => id)).toEqual([])
  expect(all.filter(({ fixed, id }) => fixed && seen(id).size > 1).map(({ id }) => id)).toEqual([])
})

test('every requirement is there once, is one of ASVS or RFC 10017, and says what to do where it is not met', async () => {
  const ids = [...BFF, ...ASVS].map(({ id }) => id)
  expect(ids).toEqual([...new Set(ids)])
  expect(ASVS.filter(({ id }) => !LEVELS.has(id)).map(({ id }) => id)).toEqual([])
  expect(LEVELS.size).toBe(345)
  for (const { states } of outcomes) expect(states.size).toBe(ids.length)
})

test('a level leaves the higher ones out, and what is not looked at is named', async () => {
  const facts = await factsOf(GOOD)
  const [first] = makeReport(facts, { level: 1, standards: ['asvs'] }).sections
  expect(new Set(first?.lines.map(({ level }) => level))).toEqual(new Set([1]))
  for (const level of [1, 2, 3] as const) {
    const [section] = makeReport(facts, { level, standards: ['asvs'] }).sections
    const expected = [...LEVELS.values()].filter(of => of <= level).length
    expect((section?.lines.length ?? 0) + (section?.silent.length ?? 0)).toBe(expected)
  }
  expect(makeReport(facts, { level: 3, standards: ['rfc10017'] }).sections).toHaveLength(1)
})
