import { Visitor } from '../client.ts'

// Run in the network of a container, where https://localhost is Caddy: what a person does there, as one line of JSON.

const [code = ''] = process.argv.slice(2)
const ada = { email: 'ada@example.org', name: 'Ada', password: 'quiet lantern 0123456789' }
const visitor = new Visitor('https://localhost')

const anonymous = await visitor.get('/api/hello')
const setUp = await visitor.post('/auth/setup', { code, ...ada })
const signedIn = await visitor.get('/api/hello')
const session = await visitor.get('/auth/session')
const page = await visitor.page('/account')
const out = await visitor.post('/auth/logout')
visitor.close()

process.stdout.write(
  JSON.stringify({
    anonymous: anonymous.status,
    setUp: setUp.status,
    cookies: setUp.setCookies.map(cookie => cookie.replace(/=.*/, '')),
    hello: { status: signedIn.status, body: signedIn.text },
    user: session.json<{ user: { id: string; email: string } }>().user,
    page: page.status,
    out: out.status,
  }),
)
