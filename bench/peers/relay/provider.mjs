// A local OpenID provider for the relays that need one: one client, accounts that are whatever name is typed in. argv:
// port, then the addresses to come back to.
import { argv } from 'node:process'
import Provider from 'oidc-provider'

const provider = new Provider(`http://localhost:${argv[2]}`, {
  clients: [
    {
      client_id: 'bench',
      client_secret: 'a-secret-of-this-bench-0123456789',
      redirect_uris: argv.slice(3),
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  pkce: { required: () => false },
  ttl: { AccessToken: 3600, IdToken: 3600, Session: 3600, Grant: 3600, Interaction: 3600 },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true }),
  }),
})
provider.listen(Number(argv[2]), '127.0.0.1')
