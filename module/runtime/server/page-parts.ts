import type { H3Event } from 'h3'

/** The parts of a page, each a list of pieces of HTML. */
export type PageParts = Record<'head' | 'bodyPrepend' | 'body' | 'bodyAppend', string[]>

/** Declared by a package that Nuxt depends on, and applications do not. */
export interface RenderHooks {
  hook(name: 'render:html', hook: (html: PageParts, about: { event: H3Event }) => void): void
}
