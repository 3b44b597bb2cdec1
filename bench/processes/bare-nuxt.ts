// The same build of the site with nothing around it: node:http, and a session and answers that are always the same.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer, type RequestListener } from 'node:http'
import { argv } from 'node:process'
import { DEFAULT_BRAND } from '../../server/contract/brand.ts'
import { SITE_CONTEXT, SITE_CONTEXT_STORAGE, type SiteContext } from '../../server/contract/site-context.ts'
import type { SessionAnswer } from '../../server/contract/wire.ts'
import type { BarePage } from '../baselines.ts'

const { port, entry, session, calls } = JSON.parse(argv[2] ?? '') as BarePage
const fixed: Omit<SiteContext, 'session'> = {
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA==',
  sharedNonce: null,
  policy: null,
  ownPages: true,
  demo: true,
  brand: DEFAULT_BRAND,
  documents: [],
  answered: ['/auth', '/api'],
  form: null,
  fetch: path => Promise.resolve(Response.json(calls[path])),
  setCookie: () => undefined,
  report: error => {
    throw error
  },
  fail: ({ status }) => ({ status, headers: [], body: '' }),
}
// An object of its own for each page, as for different people: Vue keeps what it makes of an object, and would find it
// ready for one that stays.
const context = (): SiteContext => ({
  ...fixed,
  session: { user: { ...session.user }, session: { ...session.session } } as SessionAnswer,
})
Object.assign(globalThis, { [Symbol.for(SITE_CONTEXT_STORAGE)]: new AsyncLocalStorage() })
const { listener } = (await import(entry)) as { listener: RequestListener }
createServer((request, response) => {
  Object.assign(request, { [Symbol.for(SITE_CONTEXT)]: context() })
  listener(request, response)
}).listen(port, '127.0.0.1', () => process.send?.('listening'))
