// The usual way by hand: a signed token in a cookie, verified by jose at every request. argv: port, algorithm.
import { argv } from 'node:process'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'

const [port, alg] = [Number(argv[2]), argv[3]]
const secret = crypto.getRandomValues(new Uint8Array(32))
const { privateKey, publicKey } =
  alg === 'HS256' ? { privateKey: secret, publicKey: secret } : await generateKeyPair(alg)

const app = new Hono()
app.post('/sign-in', async c => {
  const { email, name } = await c.req.json()
  const token = await new SignJWT({ email, name, roles: ['user'] })
    .setProtectedHeader({ alg })
    .setSubject(crypto.randomUUID())
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
  setCookie(c, 'token', token, { httpOnly: true, sameSite: 'Lax', path: '/' })
  return c.json({ ok: true })
})
app.get('/session', async c => {
  try {
    const { payload } = await jwtVerify(getCookie(c, 'token') ?? '', publicKey, { algorithms: [alg] })
    return c.json({
      user: { id: payload.sub, email: payload.email, name: payload.name, roles: payload.roles },
      session: { createdAt: payload.iat, endsAt: payload.exp },
    })
  } catch {
    return c.json({ user: null, session: null })
  }
})
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
