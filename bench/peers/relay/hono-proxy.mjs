// Hono's own helper, as its documentation has it. argv: port, upstream's port.
import { argv } from 'node:process'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { proxy } from 'hono/proxy'

const app = new Hono()
app.all('/*', c =>
  proxy(`http://127.0.0.1:${argv[3]}${c.req.path}`, {
    ...c.req,
    headers: { ...c.req.header(), 'X-Forwarded-For': '127.0.0.1', 'X-Forwarded-Host': c.req.header('host') },
  }),
)
serve({ fetch: app.fetch, port: Number(argv[2]), hostname: '127.0.0.1' })
