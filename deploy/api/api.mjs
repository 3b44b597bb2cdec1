import { createServer } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'

// An API behind Porchlight, as small as one can be: it says who calls, after verifying the token (RFC 9068).
// It borrows jose and Node from Porchlight's image; yours has an image of its own.

const { ISSUER, JWKS_URL, AUDIENCE, PORT = '8000' } = process.env
const keys = createRemoteJWKSet(new URL(JWKS_URL))
const expected = {
  issuer: ISSUER,
  audience: AUDIENCE,
  typ: 'at+jwt',
  algorithms: ['ES256'],
  requiredClaims: ['sub', 'exp'],
}

const server = createServer(async (request, response) => {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const answer = await jwtVerify(token, keys, expected).then(
    ({ payload }) => ({ status: 200, body: { hello: payload.sub, roles: payload.roles } }),
    error => ({ status: error.code === 'ERR_JWKS_TIMEOUT' ? 503 : 401, body: { error: error.code } }),
  )
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
})
server.listen(Number(PORT))
process.on('SIGTERM', () => server.close())
