import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type EndTag, SAXParser, type StartTag, type Text } from 'parse5-sax-parser'
import type { InlineSources } from '../response/page-policy.ts'

/** How many of a kind a page may have: each is 53 bytes of a header, of which proxies take 4 to 8 KiB. */
export const MOST_INLINE = 50

/**
 * The `type` of scripts that run, or that decide what runs: modules and `importmap`, `speculationrules`, and
 * JavaScript's own. Every other type is a block of data (HTML §4.12.1).
 */
const RUNNING_TYPES = new Set([
  '',
  'module',
  'importmap',
  'speculationrules',
  ...['ecmascript', 'javascript', 'x-ecmascript', 'x-javascript'].flatMap(name => [
    `text/${name}`,
    `application/${name}`,
  ]),
  ...['1.0', '1.1', '1.2', '1.3', '1.4', '1.5'].map(version => `text/javascript${version}`),
  'text/jscript',
  'text/livescript',
])

/** @property left how many of a kind are over the limit, which browsers will block */
export interface InlineFound extends InlineSources {
  left: number
}

/**
 * Hashes what a page runs or applies without loading it: scripts, the code of event attributes, and style sheets. Read
 * as browsers do, in one pass that keeps nothing but the hashes, so that a page may be of any size.
 * @param page its bytes
 * @throws what reading it throws
 * @see CSP3 §6.7.3.3
 */
export async function inlineSources(page: Readable): Promise<InlineFound> {
  const found = { script: new Set<string>(), style: new Set<string>(), handler: new Set<string>() }
  let open: { kind: 'script' | 'style'; hash: Hash; empty: boolean } | null = null

  const parser = new SAXParser()
  parser.on('startTag', ({ tagName, attrs }: StartTag) => {
    const kind = inlineKindOf(tagName, attrs)
    open = kind === null ? null : { kind, hash: createHash('sha256'), empty: true }
    for (const { name, value } of attrs) {
      if (/^on[a-z]+$/.test(name) && value !== '') found.handler.add(source(createHash('sha256').update(value)))
    }
  })
  parser.on('text', ({ text }: Text) => {
    if (open === null) return
    open.hash.update(text)
    open.empty = false
  })
  parser.on('endTag', ({ tagName }: EndTag) => {
    if (open?.kind !== tagName) return
    if (!open.empty) found[open.kind].add(source(open.hash))
    open = null
  })
  await pipeline(page.setEncoding('utf8'), parser)

  const list = (sources: Set<string>) => [...sources].slice(0, MOST_INLINE).join(' ')
  return {
    scripts: list(found.script),
    styles: list(found.style),
    handlers: list(found.handler),
    left: Object.values(found).reduce((sum, { size }) => sum + Math.max(0, size - MOST_INLINE), 0),
  }
}

function inlineKindOf(tagName: string, attrs: StartTag['attrs']): 'script' | 'style' | null {
  const valueOf = (name: string) => attrs.find(attr => attr.name === name)?.value
  if (tagName === 'style') return 'style'
  if (tagName !== 'script' || valueOf('src') !== undefined) return null
  const language = valueOf('language')
  const type = valueOf('type') ?? (language === undefined || language === '' ? '' : `text/${language}`)
  return RUNNING_TYPES.has(type.trim().toLowerCase()) ? 'script' : null
}

function source(hash: Hash): string {
  return `'sha256-${hash.digest('base64')}'`
}
