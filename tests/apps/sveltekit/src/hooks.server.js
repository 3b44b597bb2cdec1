import { createRemoteJWKSet, jwtVerify } from 'jose'

const issuer = process.env.PORCHLIGHT_URL
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer))

/** Who asks, according to the token that comes with every request of somebody signed in. */
async function userOf(request) {
  const token = request.headers.get('authorization')?.replace(/^Bearer /, '')
  if (token === undefined) return null
  const { payload } = await jwtVerify(token, keys, { issuer, audience: 'shop', typ: 'at+jwt' })
  return { id: payload.sub, name: payload.name, roles: payload.roles }
}

export async function handle({ event, resolve }) {
  event.locals.user = await userOf(event.request)
  return resolve(event)
}
