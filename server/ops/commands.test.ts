import { afterEach, beforeEach, expect, test } from 'vitest'
import { toTokenApi } from '../config/token-api-settings.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import { createProviderLogin } from '../login/provider-login.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD, testPeople, type TestPeople } from '../accounts/accounts.testing.ts'
import type { ProviderProfile } from '../providers/types.ts'
import { runCommand } from './commands.ts'
import type { OperationServices } from './operation-services.ts'

const tokenApi = toTokenApi({ name: 'Shop', url: 'https://shop.example' })
const ADDRESS = 'bertha@example.org'
const BERTHA: ProviderProfile = {
  provider: TOKEN_API,
  issuer: tokenApi.url,
  subject: 'u-7',
  email: ADDRESS,
  emailVerified: true,
  name: 'Bertha',
  label: 'bertha',
  roles: null,
  authTime: null,
  amr: ['pwd'],
  providerSid: null,
}

let services: TestPeople
beforeEach(() => {
  services = testPeople({ tokenApi })
})
afterEach(() => services.close())

test('OI-7 an account from before a token API was configured opens for the subject that the operator linked, and never by e-mail address', async () => {
  const { people, store, clock, sessions, config, log } = services
  const login = createProviderLogin({
    config: { ...config, providers: [] },
    accounts: people.accounts,
    identities: store.identities,
    sessions,
    clock,
    log,
  })
  const before = await people.accounts.create(
    { email: ADDRESS, name: 'Bertha', roles: ['admin'], password: GOOD_PASSWORD },
    OPERATOR,
  )
  const signIn = (person: ProviderProfile) => login.authenticate(person, { invite: null, client: CLIENT })
  await expect(signIn(BERTHA)).rejects.toMatchObject({ code: 'link_required' })

  const works = { people, store, clock, sessions, config } as unknown as OperationServices
  expect(await runCommand(works, 'user.link', { email: ADDRESS, subject: 'u-7' })).toEqual({ by: 'Shop' })
  await expect(signIn({ ...BERTHA, subject: 'U-7' }), 'to the letter').rejects.toMatchObject({ code: 'link_required' })
  expect((await signIn(BERTHA)).account).toMatchObject({ id: before.id, email: ADDRESS, roles: ['admin', 'user'] })
  expect(await login.links(before.id)).toMatchObject([{ provider: TOKEN_API, label: 'bertha' }])
  expect((await people.log.page(before.id, null)).events.map(event => event.kind)).toContain('identity_linked')
})
