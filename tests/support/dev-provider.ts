// npm run dev:provider: the provider that tests use, for a developer's browser, with the people that tests know.
import { ALMA, BRUNO, startProvider } from './provider.ts'
import config from '../../examples/provider.config.ts'

const [setting] = config.providers ?? []
if (setting?.issuer === undefined || typeof setting.clientSecret !== 'string')
  throw new Error('examples/provider.config.ts names no provider')
const site = process.env.PORCHLIGHT_PUBLIC_URL ?? 'http://localhost:3000'

const provider = await startProvider({ port: Number(new URL(setting.issuer).port), accessSeconds: 300 })
await provider.addClient({ site, as: setting.id, clientId: setting.clientId, clientSecret: setting.clientSecret })

process.stdout.write(`A test provider for ${site} at ${provider.issuer}. In another terminal:

  PORCHLIGHT_CONFIG=examples/provider.config.ts npm run dev

Sign in there as
${[ALMA, BRUNO].map(({ login, password }) => `  ${login}, with the password: ${password}`).join('\n')}
`)
