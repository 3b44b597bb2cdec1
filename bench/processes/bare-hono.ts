// The least that Hono on Node can be: one route, a body and headers that are given.
import { argv } from 'node:process'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { BareAnswer } from '../baselines.ts'

const { port, path, body, headers } = JSON.parse(argv[2] ?? '') as BareAnswer
const app = new Hono()
app.get(path, c => c.json(body, 200, headers))
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => process.send?.('listening'))
