// Signing in by a provider, to try out: `npm run dev:provider` in one terminal, and in another
// PORCHLIGHT_CONFIG=examples/provider.config.ts npm run dev
import { defineConfig } from '../server/exports.ts'

export default defineConfig({
  // Whoever the provider lets in may make an account.
  registration: 'open',
  providers: [
    {
      id: 'test',
      kind: 'oidc',
      name: 'Test provider',
      icon: 'key-round',
      issuer: 'http://127.0.0.1:4010',
      clientId: 'porchlight',
      // Of a provider that only this machine reaches. A real one belongs in { env: 'NAME' } or { file: 'PATH' }.
      clientSecret: 'a secret between two programs on one machine',
      scopes: ['openid', 'profile', 'email', 'groups'],
      roles: { claim: 'groups', admin: ['admins'] },
    },
  ],
})
