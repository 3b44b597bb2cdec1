import { describe, expect, test } from 'vitest'
import { loadConfig } from './load-config.ts'
import { readTracesHeaders, readTracesUrl } from './traces-settings.ts'

describe('tracesUrl', () => {
  test.each([
    ['http://127.0.0.1:4318', 'http://127.0.0.1:4318/v1/traces'],
    ['https://otlp.example.org/', 'https://otlp.example.org/v1/traces'],
    ['https://otlp.example.org/tenant/v1/traces', 'https://otlp.example.org/tenant/v1/traces'],
  ])('%s', (text, expected) => expect(readTracesUrl(text)).toBe(expected))

  test.each([
    'otlp.example.org:4318',
    'grpc://127.0.0.1:4317',
    'http://user:secret@127.0.0.1:4318',
    'https://otlp.example.org/?key=secret',
    'https://otlp.example.org/#x',
    'http://a b',
  ])('is not %s', text => expect(readTracesUrl(text)).toBeNull())
})

describe('tracesHeaders', () => {
  const brief = (text: string) =>
    readTracesHeaders(text)?.map(({ name, value }) => `${name}: ${value.reveal()}`) ?? null
  test.each([
    ['api-key=4f9d', ['api-key: 4f9d']],
    ['Authorization=Basic%20dTpw, X-Scope=a%2Cb,', ['authorization: Basic dTpw', 'x-scope: a,b']],
    ['a=b=c', ['a: b=c']],
  ])('%s', (text, expected) => expect(brief(text)).toEqual(expected))

  test.each(['api-key', '=x', 'a b=c', 'x=%0d%0aX-Evil: 1', 'x=%zz', 'x=', 'content-type=text/plain', 'Host=x', 'x=é'])(
    'is not %j',
    text => expect(brief(text)).toBeNull(),
  )
})

const problemOf = (env: Record<string, string>) =>
  loadConfig(env, '/nonexistent').then(
    () => '',
    (error: { lines?: string[]; message: string }) => [error.message, ...(error.lines ?? [])].join('\n'),
  )

test('the ratio is a number from 0 to 1, in the environment as well', async () => {
  const of = async (ratio: string) =>
    (
      await loadConfig(
        { PORCHLIGHT_TRACES_URL: 'http://127.0.0.1:4318', PORCHLIGHT_TRACES_RATIO: ratio },
        '/nonexistent',
      )
    ).config.traces?.ratio
  expect(await of('0.05')).toBe(0.05)
  expect(await of('1')).toBe(1)
  for (const wrong of ['1.1', '-0.1', '5%', '.5', 'all'])
    expect(await problemOf({ PORCHLIGHT_TRACES_RATIO: wrong })).toContain('a number from 0 to 1')
  // Other numbers remain whole ones.
  expect(await problemOf({ PORCHLIGHT_PORT: '3000.5' })).toContain('a whole number from 1 to 65535')
})

test('without an address nothing is traced; traces of proxies are continued only where there are trusted ones', async () => {
  expect((await loadConfig({}, '/nonexistent')).config.traces).toBeNull()
  const env = { PORCHLIGHT_TRACES_URL: 'http://127.0.0.1:4318', PORCHLIGHT_TRACES_CONTINUE: 'true' }
  expect(await problemOf(env)).toContain('PORCHLIGHT_TRUSTED_PROXIES to name the proxies that trace')
  const { config } = await loadConfig({ ...env, PORCHLIGHT_TRUSTED_PROXIES: '10.0.0.1' }, '/nonexistent')
  expect(config.traces).toEqual({ url: 'http://127.0.0.1:4318/v1/traces', headers: [], ratio: 1, continues: true })
})

test('a wrong header is refused without being shown, and the report hides the right ones', async () => {
  const problem = await problemOf({ PORCHLIGHT_TRACES_HEADERS: 'host=canary-secret' })
  expect(problem).toContain('PORCHLIGHT_TRACES_HEADERS')
  expect(problem).not.toContain('canary')
  const { report } = await loadConfig({ PORCHLIGHT_TRACES_HEADERS: 'api-key=canary-secret' }, '/nonexistent')
  expect(JSON.stringify(report)).not.toContain('canary')
})
