import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'

let CWD: string
const write = (name: string, content: string | Buffer) => writeFileSync(join(CWD, name), content)
/** As far as anybody reads it: the signature and the header, with no picture behind them. */
function png(width: number, height: number): Buffer {
  const head = Buffer.alloc(40)
  head.write('\x89PNG\r\n\x1a\n', 'latin1')
  head.write('IHDR', 12, 'latin1')
  head.writeUInt32BE(width, 16)
  head.writeUInt32BE(height, 20)
  return head
}
beforeAll(() => {
  CWD = mkdtempSync(join(tmpdir(), 'porchlight-brand-'))
  write('wide.svg', '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 20"/>')
  write('square.png', png(180, 180))
})
afterAll(() => rmSync(CWD, { recursive: true, force: true }))

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
    expect(config.brand).toMatchObject({
      name: 'Porchlight',
      own: false,
      logo: null,
      icon: null,
      accent: null,
      links: {},
    })
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

describe('the logo and the icon', () => {
  test('are read from a path relative to the file that names it, one for both themes or one for each', async () => {
    mkdirSync(join(CWD, 'conf'))
    write('conf/shop.json', JSON.stringify({ brand: { name: 'Acme', logo: '../wide.svg', icon: '../square.png' } }))
    const { config } = await loadConfig({ PORCHLIGHT_CONFIG: 'conf/shop.json' }, CWD)
    const { logo, icon } = config.brand
    expect(logo?.light).toMatchObject({ type: 'image/svg+xml', width: 120, height: 20 })
    expect(logo?.dark).toBe(logo?.light)
    expect(icon).toMatchObject({ type: 'image/png', width: 180, height: 180 })
    const pair = await load({ name: 'Acme', logo: { light: 'wide.svg', dark: 'square.png' } })
    expect([pair.logo?.light.type, pair.logo?.dark.type]).toEqual(['image/svg+xml', 'image/png'])
  })

  test.each([
    [
      'a byte order mark, a declaration, a comment and a document type',
      `\ufeff<?xml version="1.0"?>\n<!-- <svg> -->\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">\n<svg width='10' height='20px'></svg>`,
      10,
      20,
    ],
    ['an attribute with a > in it', '<svg aria-label="a > b" viewBox="0,0,30,10"/>', 30, 10],
    ['a negative origin', '<svg viewBox="-5 -5 10.5 1e1"/>', 10.5, 10],
  ])('an SVG may have %s', async (_, svg, width, height) => {
    write('odd.svg', svg)
    expect((await load({ name: 'Acme', logo: 'odd.svg' })).logo?.light).toMatchObject({ width, height })
  })

  test.each([
    [
      'that is missing',
      'missing.svg',
      null,
      'PORCHLIGHT_BRAND.logo: got "missing.svg"; expected the path of an SVG or PNG file (ENOENT).',
    ],
    ['that is a folder', '.', null, '(it is not a file)'],
    ['of another kind', 'x.svg', '<html><svg viewBox="0 0 1 1"/></html>', '(it is neither a PNG nor an SVG'],
    [
      'without a size',
      'x.svg',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      '(it is neither a PNG nor an SVG with a viewBox',
    ],
    ['of no size', 'x.svg', '<svg viewBox="0 0 0 10"/>', '(it is neither a PNG nor an SVG'],
    ['in percent', 'x.svg', '<svg width="100%" height="100%"/>', '(it is neither a PNG nor an SVG'],
    ['that is no text', 'x.svg', Buffer.from([0x3c, 0x73, 0x76, 0x67, 0xff]), '(it is neither a PNG nor an SVG'],
    ['that is empty', 'x.svg', '', '(it is neither a PNG nor an SVG'],
    ['of 257 kB', 'x.svg', ' '.repeat(257 * 1024), '(it has 263168 bytes, more than 262144)'],
    ['with too many pixels', 'x.png', png(5000, 10), '(it has 5000 × 10 pixels, more than 4096 on a side)'],
  ])('a file %s is refused with one sentence', async (_, name, content, sentence) => {
    if (content !== null) write(name, content)
    const found = await problem({ name: 'Acme', logo: name })
    expect(found).toContain(sentence)
    expect(found.split('\n')).toHaveLength(1)
  })

  test('a missing logo is reported with every other problem, each by its own field', async () => {
    const found = await problem({ name: 'Acme', logo: { light: 'a.svg', dark: 'b.svg' }, icon: 'c.png' })
    expect(found.split('\n').map(line => line.trim().split(':')[0])).toEqual([
      'PORCHLIGHT_BRAND.logo.light',
      'PORCHLIGHT_BRAND.logo.dark',
      'PORCHLIGHT_BRAND.icon',
    ])
  })

  test.each([
    [
      'half a pair',
      { name: 'Acme', logo: { light: 'wide.svg' } },
      'PORCHLIGHT_BRAND.logo: got {"light":"wide.svg"}; expected the path of an SVG or PNG file, or { light, dark }',
    ],
    ['a logo without a name', { logo: 'wide.svg' }, 'expected a name beside the logo'],
    ['a colour by name', { accent: 'red' }, 'PORCHLIGHT_BRAND.accent: got "red"; expected a colour such as #0055cc.'],
    ['a colour with alpha', { accent: '#0055cc80' }, 'expected a colour such as #0055cc.'],
  ])('%s is refused with one sentence', async (_, brand, sentence) => {
    const found = await problem(brand)
    expect(found).toContain(sentence)
    expect(found.split('\n')).toHaveLength(1)
  })

  test('a path of an SVG that would take long to read is judged in linear time', async () => {
    write('deep.svg', '<!--'.repeat(60_000))
    await expect(load({ name: 'Acme', logo: 'deep.svg' })).rejects.toThrow()
    write('deep.svg', '<svg ' + 'a='.repeat(100_000))
    await expect(load({ name: 'Acme', logo: 'deep.svg' })).rejects.toThrow()
  })
})
