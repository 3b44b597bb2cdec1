import { afterEach, describe, expect, test } from 'vitest'
import { type Running, startApp, CONFIG } from '../../../tests/support/app.ts'
import { acme, png, SVG, svg } from './brand.testing.ts'
import { type Brand, toBrand } from '../../config/brand-settings.ts'
import { presentBrand } from './present-brand.ts'

let app: Running
afterEach(() => app?.close())
async function start(brand: Brand): Promise<void> {
  app = await startApp({ config: { ...CONFIG, brand } })
}

describe('the icons of a brand', () => {
  const head = (brand: Brand, ownPages = true) => presentBrand(brand, ownPages).page.head
  const rels = (brand: Brand) => head(brand).map(({ rel, type, sizes, media }) => [rel, type, sizes, media])

  test('a square logo is the icon, at `/favicon.ico` and `/favicon.svg` as well', async () => {
    const square = svg(40, 40)
    await start(acme({ logo: { light: square, dark: square } }))
    for (const path of ['/favicon.ico', '/favicon.svg']) {
      const { status, headers, body } = await app.ask(path)
      expect([status, headers['content-type'], body]).toEqual([200, 'image/svg+xml', SVG])
    }
  })

  test('of a wide logo, the icon is the first character of the name in the colours of its buttons', async () => {
    await start(acme({ logo: { light: svg(120, 20), dark: svg(120, 20) } }))
    const { body } = await app.ask('/favicon.ico')
    expect(body).toMatch(/fill="#0055cc".*fill="#ffffff">A<\/text>/)
  })

  test.each([
    ['<b>', '>&#60;<'],
    ['👩‍👩‍👧‍👦 Together', '>👩‍👩‍👧‍👦<'],
    ['夜灯', '>夜<'],
    ['épée', '>É<'],
  ])('the first character of %s is whole, and is text', (name, text) => {
    const { files } = presentBrand(toBrand({ name }), true)
    expect(files.get('/favicon.ico')?.content.toString()).toContain(text)
  })

  test('a PNG is for the home screens of phones, too, if it is large enough', () => {
    expect(rels(acme({ icon: png(180) }))).toEqual([
      ['icon', 'image/png', '180x180', undefined],
      ['apple-touch-icon', undefined, '180x180', undefined],
      ['manifest', undefined, undefined, undefined],
    ])
    expect(rels(acme({ icon: png(64) })).map(([rel]) => rel)).toEqual(['icon', 'manifest'])
  })

  test('a square logo for each theme is an icon for each', () => {
    expect(rels(acme({ logo: { light: svg(40, 40), dark: svg(40, 41) } })).slice(0, 2)).toEqual([
      ['icon', 'image/svg+xml', 'any', '(prefers-color-scheme: light)'],
      ['icon', 'image/svg+xml', 'any', '(prefers-color-scheme: dark)'],
    ])
  })

  test('the manifest names the site and its icons, and opens in a browser', async () => {
    const brand = acme({ icon: png(180) })
    await start(brand)
    const link = head(brand).find(({ rel }) => rel === 'manifest')
    const { headers, json } = await app.ask(link?.href ?? '')
    expect(headers['content-type']).toBe('application/manifest+json')
    expect(json()).toMatchObject({
      name: 'Acme & <Sons>',
      start_url: '/',
      display: 'browser',
      icons: [{ type: 'image/png', sizes: '180x180' }],
    })
  })

  test("beside a front end, its favicon is the site's, and our pages name ours alone if there is a brand", () => {
    expect(head(toBrand(), false)).toEqual([])
    const { page, files } = presentBrand(acme(), false)
    expect(page.head.map(({ rel }) => rel)).toEqual(['icon'])
    expect(files.has('/favicon.ico')).toBe(false)
  })
})
