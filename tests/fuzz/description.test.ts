import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InviteAnswer, ResetLinkAnswer, Role, SessionAnswer } from '../../server/contract/wire.ts'
import type { ApiDescription } from '../../server/http/openapi/api-description.ts'
import { Visitor } from '../support/client.ts'
import { type Example, operationsOf, withExamples } from '../support/fuzz/described.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import { MINE, signingProxy, type SigningProxy } from '../support/fuzz/signing-proxy.ts'
import { codeIn, invite, type Person, signIn, signUp, somebody } from '../support/people.ts'
import { type ProviderStage, providerStage } from '../support/provider-stage.ts'
import { environmentFor, findPython } from '../support/python.ts'
import { SETUP_CODE, stopAll } from '../support/server.ts'

// Schemathesis reads GET /auth/openapi.json and nothing else of us, and holds every answer against it.

const TEST_SECRET = 'a-secret-that-only-tests-know-0123456789'
/** Inputs made for one operation, on top of its examples and of one for each border of its schema. */
const EXAMPLES = '5'
/** How many people of each role take turns: each may write 60 times in a row. */
const CREW = 100
/** How many one administrator invites. */
const INVITED = 25
const PASSWORD = somebody().password

/** Operations that cannot succeed here, and where they do. */
const PROVEN_ELSEWHERE: Record<string, string> = {
  ...Object.fromEntries(
    ['addPasskey', 'renamePasskey', 'removePasskey', 'signInWithPasskey'].map(id => [
      id,
      'needs what an authenticator signed: server/http/routes/passkey-routes.test.ts',
    ]),
  ),
  ...Object.fromEntries(
    ['confirmTotp', 'removeTotp', 'signInByTotp', 'createRecoveryCodes', 'signInByRecoveryCode'].map(id => [
      id,
      'needs the code of this moment: server/http/routes/second-factor.more.test.ts',
    ]),
  ),
  ...Object.fromEntries(
    ['verifyEmail', 'restoreEmail'].map(id => [
      id,
      'needs the code in a mail: server/http/routes/email-routes.test.ts',
    ]),
  ),
  setUp: 'done once, before the run',
  receiveLogoutToken: 'needs a token that the provider signed: tests/e2e/providers',
  runDemonstration: 'takes seconds each time: tests/e2e/proof.test.ts',
  unlink: 'needs an account linked by a person at the provider: tests/e2e/providers',
}

const python = findPython()
const run = promisify(execFile)
let folder: string
let stage: ProviderStage
let mail: MailServer
let crews: Record<Role, () => Promise<Visitor>>
let described: ApiDescription
const succeeded = new Set<string>()

beforeAll(async () => {
  if (python === null) return
  folder = mkdtempSync(join(tmpdir(), 'porchlight-description-'))
  mail = await startMailServer()
  stage = await providerStage(
    { oidc: {} },
    {
      SECURITY_CONTACT: 'mailto:security@example.org',
      RELATED_ORIGINS: 'https://porchlight.example.net',
      TEST_SIGN_IN: TEST_SECRET,
      MAIL_URL: mail.url,
      MAIL_FROM: 'porchlight@example.org',
    },
    { NODE_ENV: 'test' },
  )
  described = (await stage.admin.get('/auth/openapi.json')).json<ApiDescription>()
  const examples = await trueExamples()
  crews = { admin: await crew('admin'), user: await crew('user') }
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(withExamples(described, examples)))
}, 300_000)

afterAll(async () => {
  await stage?.stop()
  await stopAll()
  await mail?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

test.skipIf(python === null).each([
  ['an administrator', 'admin', 'examples,coverage,fuzzing'],
  ['a user', 'user', 'examples,fuzzing'],
  ['nobody', null, 'examples,fuzzing'],
] as const)(
  'asked by %s, every answer is as GET /auth/openapi.json says: status, type, headers and body, and no 5xx',
  async (_, role, phases) => {
    const options = { origin: stage.origin, people: CREW, testSecret: TEST_SECRET }
    const proxy = await signingProxy({ ...options, signIn: role === null ? null : crews[role] })
    try {
      const output = await schemathesis(proxy.origin, phases)
      const refused = [...proxy.seen.values()].reduce((sum, by) => sum + (by.get('429 slow_down') ?? 0), 0)
      const all = [...proxy.seen.values()].reduce((sum, by) => sum + [...by.values()].reduce((a, b) => a + b, 0), 0)
      // Throttled requests prove nothing.
      expect(refused / all, output).toBeLessThan(0.05)
      note(proxy)
    } finally {
      proxy.close()
    }
  },
  // A quiet machine takes one.
  10 * 60_000,
)

test.skipIf(python === null)('every operation has succeeded at least once', () => {
  const missing = [...operationsOf(described).values()]
    .map(({ operationId }) => operationId)
    .filter(id => !succeeded.has(id))
  expect(missing.sort()).toEqual(Object.keys(PROVEN_ELSEWHERE).sort())
})

async function schemathesis(url: string, phases: string): Promise<string> {
  const program = environmentFor(python ?? '', join(import.meta.dirname, 'requirements.txt'))
  const options = ['--phases', phases, '--max-examples', EXAMPLES]
  const checks = [
    'not_a_server_error',
    'status_code_conformance',
    'content_type_conformance',
    'response_headers_conformance',
    'response_schema_conformance',
    'unsupported_method',
    'allow_header_conformance',
  ]
  // The same input each time: what it finds is mended and proven elsewhere, and a new finding has a new cause.
  const rest = [
    '--exclude-operation-id',
    'runDemonstration',
    '--generation-deterministic',
    '--continue-on-failure',
    '--no-color',
  ]
  const start = 'import sys; from schemathesis.cli import schemathesis; sys.argv[0] = "st"; schemathesis()'
  return run(
    program,
    ['-c', start, 'run', join(folder, 'openapi.json'), '--url', url, ...options, '--checks', checks.join(','), ...rest],
    { cwd: folder, maxBuffer: 2 ** 26, timeout: 9 * 60_000 },
  ).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; stderr?: string; message: string }) => {
      throw new Error(`${error.stdout ?? ''}\n${error.stderr ?? ''}\n${error.message.slice(0, 300)}`)
    },
  )
}

/** A form is answered by 303 whatever came of it, so an operation has succeeded with the first status that it describes. */
function note({ seen }: SigningProxy): void {
  for (const [name, operation] of operationsOf(described)) {
    const [method = '', path = ''] = name.split(' ')
    const pattern = new RegExp(`^${method} ${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    const [status = ''] = Object.keys(operation.responses)
    if ([...seen].some(([asked, statuses]) => pattern.test(asked) && statuses.has(status)))
      succeeded.add(operation.operationId)
  }
}

/** People of one role. Some of them lose their account in the course of a run; the next one comes in. */
async function crew(role: Role): Promise<() => Promise<Visitor>> {
  const people: Person[] = []
  let inviter = stage.admin
  for (let i = 0; i < CREW; i++) {
    if (i % INVITED === 0) inviter = (await accept(stage.admin, 'admin')).browser
    people.push((await accept(inviter, role)).person)
  }
  let turn = 0
  return async () => {
    for (let tries = 0; tries < CREW; tries++) {
      const found = await signIn(stage.origin, people[turn++ % CREW] as Person).catch(() => null)
      if (found !== null) return found
    }
    throw new Error('nobody is left who can sign in')
  }
}

/** Somebody new, with a role, accepts an invitation. */
async function accept(inviter: Visitor, role: Role): Promise<{ browser: Visitor; person: Person }> {
  const person = { ...somebody(), password: PASSWORD }
  const { href } = (await inviter.post('/auth/invites', { roles: [role] })).json<InviteAnswer>()
  const browser = new Visitor(stage.origin)
  const created = await browser.post('/auth/register', { ...person, invite: codeIn(href) })
  if (created.status !== 200) throw new Error(`no account: ${created.text}`)
  return { browser, person }
}

/** Values with which each call succeeds here, once at least. */
async function trueExamples(): Promise<Record<string, Example>> {
  const { admin } = stage
  const { person, answer } = await signUp(admin, { ...somebody('Vic Timm'), password: PASSWORD })
  const id = answer.user?.id ?? ''
  const { email, password } = person
  const link = (await admin.post(`/auth/people/${id}/reset`)).json<ResetLinkAnswer>()
  const { invite: open } = (await admin.post('/auth/invites', {})).json<InviteAnswer>()
  const other = await signUp(admin)
  const signInBody = { body: { email, password }, form: { email, password, returnTo: '/account' } }
  const provider = { path: { provider: 'oidc' } }
  const method = { path: { method: 'password' } }
  const victim = { path: { id: (other.answer as SessionAnswer).user?.id ?? '' } }
  const name = { body: { name: 'Lee Vance' }, form: { name: 'Lee Vance' } }
  return {
    signIn: signInBody,
    signInBy: { ...method, body: { email, password } },
    reauthenticate: { body: { password }, form: { password } },
    reauthenticateBy: { ...method, body: { password } },
    changePassword: { body: { current: password, next: password }, form: { current: password, next: password } },
    changeUser: name,
    changeUserByForm: name,
    setUp: { body: { code: SETUP_CODE, email, name: 'Ann', password } },
    register: { body: { ...somebody(), invite: await invite(admin) } },
    // Of somebody else: the mailed link voids the one of the next line.
    forgotPassword: { body: { email: other.person.email }, form: { email: other.person.email } },
    resetPassword: { body: { code: codeIn(link.href), password } },
    endSession: { path: { id: MINE } },
    changePerson: { ...victim, body: { disabled: false } },
    endSessionsOfPerson: victim,
    createResetLink: victim,
    resetFactors: victim,
    createInvite: { body: {} },
    revokeInvite: { path: { id: open.id } },
    goToProvider: { path: { method: 'oidc' } },
    returnFromProvider: provider,
    signOutAtProvider: provider,
    beginLink: { path: { id: 'oidc' } },
    testSignIn: { body: { email: 'test@example.org' } },
  }
}
