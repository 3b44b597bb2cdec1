import { describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'

const CWD = '/nowhere/project'
const load = async (brand: unknown) =>
  (await loadConfig({ PORCHLIGHT_BRAND: typeof brand === 'string' ? brand : JSON.stringify(brand) }, CWD)).config.brand
async function problem(brand: unknown): Promise<string> {
  const error: unknown = await load(brand).then(
    () => null,
    (error: unknown) => error,
  )
  if (error instanceof OperatorError) return error.advice.join('\n').trim()
  throw error ?? new Error('nothing was refused')
}

describe('the setting brand', () => {
  test('is ours by default, and the report says so', async () => {
    const { config, report } = await loadConfig({}, CWD)
    expect(config.brand).toMatchObject({ name: 'Porchlight', own: false, links: {} })
    expect(report.find(line => line.key === 'brand')).toMatchObject({
      variable: 'PORCHLIGHT_BRAND',
      value: 'Porchlight',
      from: 'default',
    })
  })

  test('`config check` shows what is set', async () => {
    const { report } = await loadConfig({ PORCHLIGHT_BRAND: '{"name":"Acme"}' }, CWD)
    expect(report.find(line => line.key === 'brand')).toMatchObject({ value: '{"name":"Acme"}', from: 'environment' })
  })

  test.each(['Acme', 'x', '夜灯书店', 'مكتبة المنارة', 'Ada & Sons <Books> 100%s', '👩‍👩‍👧‍👦 Together', 'W'.repeat(40)])(
    'takes the name %s as it is',
    async name => expect(await load({ name })).toMatchObject({ name, own: true }),
  )

  test('a name is trimmed and composed', async () => {
    expect((await load({ name: '  Cafe\u0301 ' })).name).toBe('Café')
  })

  test('links lead to https or to a path of this site, and support may be an address', async () => {
    const links = {
      terms: 'https://acme.example/terms?v=2#a',
      privacy: '/privacy',
      support: 'mailto:help@acme.example',
    }
    expect(await load({ links })).toMatchObject({ name: 'Porchlight', own: false, links })
  })

  test.each([
    ['not an object', 'Acme', 'PORCHLIGHT_BRAND: got "Acme"; expected a group of fields such as'],
    ['an unknown field', { colour: 'red' }, 'PORCHLIGHT_BRAND.colour: got "colour"; expected no such field here.'],
    [
      'an empty name',
      { name: ' ' },
      'PORCHLIGHT_BRAND.name: got " "; expected a name of 1 to 40 characters in one line.',
    ],
    ['41 characters', { name: 'W'.repeat(41) }, 'a name of 1 to 40 characters'],
    ['two lines', { name: 'Acme\nBooks' }, 'a name of 1 to 40 characters in one line'],
    ['an override of the direction', { name: 'Acme \u202ekoob' }, 'a name of 1 to 40 characters in one line'],
    ['nothing visible', { name: '\u200b\u200d' }, 'a name of 1 to 40 characters in one line'],
    ['a number', { name: 7 }, 'PORCHLIGHT_BRAND.name: got 7; expected a name'],
    ['a link over plain http', { links: { terms: 'http://acme.example' } }, 'PORCHLIGHT_BRAND.links.terms: got "http'],
    ['a script for a link', { links: { privacy: 'javascript:alert(1)' } }, 'an https address or a path of this site'],
    ['a link to another origin', { links: { privacy: '//evil.example' } }, 'an https address or a path of this site'],
    ['a backslash', { links: { privacy: '/\\evil.example' } }, 'an https address or a path of this site'],
    ['an address for the terms', { links: { terms: 'mailto:a@b.example' } }, 'an https address or a path of this site'],
    ['a wrong support link', { links: { support: 'help' } }, 'or mailto:help@example.org'],
    [
      'an unknown link',
      { links: { imprint: '/imprint' } },
      'PORCHLIGHT_BRAND.links.imprint: got "imprint"; expected no such field here.',
    ],
  ])('refuses %s with one sentence', async (_, brand, sentence) => {
    const found = await problem(brand)
    expect(found).toContain(sentence)
    expect(found.split('\n')).toHaveLength(1)
  })
})
