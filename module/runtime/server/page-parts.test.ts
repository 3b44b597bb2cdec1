import { expect, test } from 'vitest'
import { copyParts, type PageParts, stampAddedParts } from './page-parts.ts'

const NONCE = 'bm9uY2U='
/** As Nuxt renders it, with what a person wrote in its body. */
const WRITTEN = '<div id="__nuxt"><p>Hello<script>theirs()</script></p></div>'
const page = (): PageParts => ({
  head: ['<title>Shop</title><script nonce="bm9uY2U=">own()</script>'],
  bodyPrepend: [],
  body: [WRITTEN, '<div id="teleports"></div>'],
  bodyAppend: ['<script nonce="bm9uY2U=">hydrate()</script>'],
})

/** The page after a module has changed it. */
function after(change: (html: PageParts) => void, html = page()): PageParts {
  const rendered = copyParts(html)
  change(html)
  stampAddedParts(html, rendered, NONCE)
  return html
}

test('HD-1 scripts, styles and links that a module adds to any part of a page are trusted', () => {
  const html = after(({ head, bodyPrepend, body, bodyAppend }) => {
    head.push('<style>a{}</style><link rel="stylesheet" href="/a.css"><script nonce="own">a()</script>')
    bodyPrepend.push('<script>b()</script>')
    body.push('<script>c()</script>')
    bodyAppend.unshift('<script type="module">d()</script>')
  })
  expect(html).toEqual({
    head: [
      ...page().head,
      `<style nonce="${NONCE}">a{}</style><link nonce="${NONCE}" rel="stylesheet" href="/a.css"><script nonce="own">a()</script>`,
    ],
    bodyPrepend: [`<script nonce="${NONCE}">b()</script>`],
    body: [...page().body, `<script nonce="${NONCE}">c()</script>`],
    bodyAppend: [`<script nonce="${NONCE}" type="module">d()</script>`, ...page().bodyAppend],
  })
})

test.each<[string, (html: PageParts) => void]>([
  ['left alone', () => {}],
  ['beside which something was added', html => void html.body.push('<script>c()</script>')],
  ['that was changed', html => (html.body[0] = WRITTEN.replace('Hello', 'Hi'))],
  ['that was changed, with an addition', html => (html.body = [`${WRITTEN} `, '<script>c()</script>'])],
  ['that was put into one piece', html => (html.body = [html.body.join('') + '<script>c()</script>'])],
])('HD-1 what a person wrote is never trusted in a body %s', (_, change) => {
  expect(after(change).body.join('')).toContain('<script>theirs()</script>')
})

test('a page that is made in the browser is stamped whole, because the application has not run', () => {
  const shell = { ...page(), body: ['<div id="__nuxt"><script>loading()</script></div>'] }
  shell.bodyAppend = ['<script type="application/json" data-ssr="false"></script>']
  expect(after(() => {}, shell).body).toEqual([`<div id="__nuxt"><script nonce="${NONCE}">loading()</script></div>`])
})
