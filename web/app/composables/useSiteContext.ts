import type { KeptForm } from '#contract/site-context.ts'
import type { SessionAnswer } from '#contract/wire.ts'

/** What the server knows about this visit, put into the page by plugins/session.server.ts. */
export const useSiteContext = () => ({
  /** Null on a page made without a visitor, until the browser has asked. */
  session: useState<SessionAnswer | null>('session', () => null),
  /** A form that failed without JavaScript, to be shown again; for one page load. */
  form: useState<KeptForm | null>('kept-form', () => null),
  /** False where another front end serves every page that is not reserved. */
  ownPages: useState('own-pages', () => true),
  /** The prefixes below `/api` that this page's `returnTo` may lead to. */
  documents: useState<readonly string[]>('documents', () => []),
})
