// What Hono's own documentation proposes for a proxy: its helper, on Node.
import { argv } from 'node:process'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { proxy } from 'hono/proxy'
import type { BareProxy } from '../baselines.ts'

const { port, upstream, prefix } = JSON.parse(argv[2] ?? '') as BareProxy
const TOKEN = `Bearer ${'x'.repeat(600)}`
const app = new Hono()
app.all(`${prefix}/*`, c =>
  proxy(`http://127.0.0.1:${upstream}${c.req.path.slice(prefix.length)}`, {
    ...c.req,
    headers: {
      ...c.req.header(),
      cookie: undefined,
      host: undefined,
      'x-forwarded-proto': 'http',
      authorization: TOKEN,
    },
  }),
)
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => process.send?.('listening'))
