import type { H3Event } from 'h3'

/** The parts of a page, each a list of pieces of HTML. */
export type PageParts = Record<'head' | 'bodyPrepend' | 'body' | 'bodyAppend', string[]>

/** Declared by a package that Nuxt depends on, and applications do not. */
export interface RenderHooks {
  hook(name: 'render:html', hook: (html: PageParts, about: { event: H3Event }) => void): void
}

/** Nuxt's own mark. Nothing that people have written is in such a page. */
const MADE_IN_BROWSER = /<script[^>]* data-ssr="false"/
const WITHOUT_NONCE = /<(?:script|style|link)(?=[\s>])(?![^>]*\snonce=)/g
const AROUND = ['head', 'bodyPrepend', 'bodyAppend'] as const

/** What the application rendered, before other modules changed it. */
export function copyParts(html: PageParts): PageParts {
  const { head, bodyPrepend, body, bodyAppend } = html
  return { head: [...head], bodyPrepend: [...bodyPrepend], body: [...body], bodyAppend: [...bodyAppend] }
}

/**
 * Stamps the nonce on what other modules added to a page, such as the inline script of a colour mode. Never on a
 * rendered body, changed or not: it may contain what people have written. In a page that is made in the browser the
 * application has stamped nothing, because it has not run.
 * @param rendered the page's parts before modules changed them
 */
export function stampAddedParts(html: PageParts, rendered: PageParts, nonce: string): void {
  const stamp = (tags: string) => tags.replace(WITHOUT_NONCE, `$& nonce="${nonce}"`)
  if (html.bodyAppend.some(tags => MADE_IN_BROWSER.test(tags))) {
    for (const part of [...AROUND, 'body'] as const) html[part] = html[part].map(stamp)
    return
  }
  const known = new Set(AROUND.flatMap(part => rendered[part]))
  for (const part of AROUND) html[part] = html[part].map(tags => (known.has(tags) ? tags : stamp(tags)))
  // A body that is not there any more as it was rendered may be in any of the pieces.
  if (rendered.body.every(tags => html.body.includes(tags)))
    html.body = html.body.map(tags => (rendered.body.includes(tags) ? tags : stamp(tags)))
}
