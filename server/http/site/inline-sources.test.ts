import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { inlineSources, MOST_INLINE } from './inline-sources.ts'

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const hashesOf = (...texts: string[]) => texts.map(hashOf).join(' ')
const read = (html: string, chunk = html.length || 1) => {
  const bytes = Buffer.from(html)
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    bytes.subarray(i * chunk, (i + 1) * chunk),
  )
  return inlineSources(Readable.from(chunks, { objectMode: false }))
}

test.each<[string, string, string[]]>([
  ['a script', '<script>a()</script>', ['a()']],
  ['each of several, once', '<script>a()</script><SCRIPT >b()</ScripT ><script>a()</script>', ['a()', 'b()']],
  ['a module', '<script type="module">import "/a.js"</script>', ['import "/a.js"']],
  ['an import map', '<script type=importmap>{"imports":{}}</script>', ['{"imports":{}}']],
  ['speculation rules', '<script type="speculationrules">{}</script>', ['{}']],
  ['an explicit type', "<script type=' Text/JavaScript '>a()</script>", ['a()']],
  ['a language', '<script language="JavaScript">a()</script>', ['a()']],
  ['another language', '<script language="vbscript">a()</script>', []],
  ['data', '<script type="application/json">{}</script><script type="application/ld+json">{}</script>', []],
  ['a template of a framework', '<script type="text/x-template"><b></b></script>', []],
  ['a type with a parameter, which no browser runs', '<script type="text/javascript;charset=utf-8">a()</script>', []],
  ['one that is loaded', '<script src="/a.js">a()</script><script src>b()</script>', []],
  ['an empty one', '<script></script>', []],
  ['in a comment', '<!-- <script>a()</script> --><script>b()</script>', ['b()']],
  ['in a text field and a title', '<title><script>a()</script></title><textarea><script>b()</script></textarea>', []],
  ['in an attribute', '<p title="<script>a()</script>"></p><script>b()</script>', ['b()']],
  ['in a style', '<style><script>a()</script></style>', []],
  ['for browsers without scripts', '<noscript><script>a()</script></noscript>', []],
  ['in a template, and a shadow root', '<template shadowrootmode="open"><script>a()</script></template>', ['a()']],
  ['with the end of one in a text', '<script>a("<\\/script>")</script>', ['a("<\\/script>")']],
  [
    'with an escape for old browsers',
    '<script><!-- <script>a()</script> --></script>',
    ['<!-- <script>a()</script> -->'],
  ],
  ['in a picture, where characters are escaped', '<svg><script>a(1 &lt; 2)</script></svg>', ['a(1 < 2)']],
  ['that never ends, which no browser runs', '<script>a()', []],
  ['with line ends of every kind', '<script>a()\r\nb()\rc()\n</script>', ['a()\nb()\nc()\n']],
  ['beyond ASCII', '\ufeff<script>a("café 你好 🙂")</script>', ['a("café 你好 🙂")']],
  ['of a broken page', '<div <p></b><script>a()</script', []],
  ['of no page', '', []],
])('scripts: %s', async (_, html, expected) => {
  const whole = await read(html)
  expect(whole).toEqual({ scripts: hashesOf(...expected), styles: whole.styles, handlers: '', left: 0 })
  expect(await read(html, 1), 'byte by byte').toEqual(whole)
})

test('style sheets, and the code of event attributes, are told apart', async () => {
  const found = await read(
    '<link rel=stylesheet media=print onload="this.media=&#39;all&#39;"><img onerror="a()" onload=""><style>p{}</style>' +
      '<p style="color:red" once="b()" data-onclick="c()">',
  )
  expect(found).toEqual({
    scripts: '',
    styles: hashesOf('p{}'),
    handlers: hashesOf("this.media='all'", 'a()', 'b()'),
    left: 0,
  })
})

test('a header has room for some, and what is over is counted', async () => {
  const many = Array.from({ length: MOST_INLINE + 3 }, (_, i) => `<script>a(${i})</script><b onclick="a(${i})">`)
  const { scripts, handlers, left } = await read(many.join(''))
  expect([scripts.split(' ').length, handlers.split(' ').length, left]).toEqual([MOST_INLINE, MOST_INLINE, 6])
})

test('a large script passes through in parts', async () => {
  const script = 'a("x");'.repeat(300_000)
  expect((await read(`<script>${script}</script>`, 65_536)).scripts).toBe(hashOf(script))
})

test('a page that cannot be read is an error', async () => {
  const broken = new Readable({
    read() {
      this.destroy(new Error('no such disk'))
    },
  })
  await expect(inlineSources(broken)).rejects.toThrow('no such disk')
})
