// iron-session on plain node:http: everything is in one sealed cookie, opened at every request. argv: port.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { argv } from 'node:process'
import { getIronSession, nodeCookies } from 'iron-session'

const options = {
  cookieName: 'session',
  password: 'a password of this bench and of nothing else, 0123456789',
  cookieOptions: { secure: false },
}

createServer(async (request, response) => {
  const session = await getIronSession(nodeCookies(request, response), options)
  if (request.method === 'POST') {
    const { email, name } = await json(request)
    Object.assign(session, { user: { id: crypto.randomUUID(), email, name, roles: ['user'] }, createdAt: Date.now() })
    await session.save()
  }
  const body = JSON.stringify({
    user: session.user ?? null,
    session: session.user === undefined ? null : { createdAt: session.createdAt },
  })
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body)
}).listen(Number(argv[2]), '127.0.0.1')
