import fc from 'fast-check'
import { beforeEach } from 'vitest'
import type * as v from 'valibot'
import * as notes from '../../server/contract/demo/notes.ts'
import * as wire from '../../server/contract/wire.ts'
import { judge, wireAnswer } from '../support/fuzz/answers.ts'
import { type Scapegoat, stillIn } from '../support/fuzz/askers.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'
import { fromSchema, hostileText } from '../support/fuzz/values.ts'

const ground = groundOfFile(() => ({}))
let scapegoat: Scapegoat | null = null
const renew = async () => {
  scapegoat = await stillIn(ground.server.origin, scapegoat)
}
beforeEach(renew)

/** Every call that takes a body. `:id` becomes an id, of the one who asks or of nobody. */
const CALLS: { method: string; path: string; schema: v.GenericSchema | null; form?: boolean }[] = [
  { method: 'POST', path: '/auth/setup', schema: wire.SetupRequest, form: true },
  { method: 'POST', path: '/auth/register', schema: wire.RegisterRequest, form: true },
  { method: 'POST', path: '/auth/login', schema: wire.LoginRequest, form: true },
  { method: 'POST', path: '/auth/reset', schema: wire.ResetRequest, form: true },
  { method: 'POST', path: '/auth/logout', schema: null, form: true },
  { method: 'POST', path: '/auth/reauthenticate', schema: wire.ReauthenticateRequest },
  { method: 'POST', path: '/auth/password', schema: wire.ChangePasswordRequest },
  { method: 'PATCH', path: '/auth/user', schema: wire.ChangeUserRequest },
  { method: 'POST', path: '/auth/login/none', schema: wire.ProviderLoginRequest },
  { method: 'POST', path: '/auth/links/none', schema: null },
  { method: 'DELETE', path: '/auth/links/:id', schema: null },
  { method: 'DELETE', path: '/auth/sessions/:id', schema: null },
  { method: 'POST', path: '/auth/invites', schema: wire.InviteRequest },
  { method: 'DELETE', path: '/auth/invites/:id', schema: null },
  { method: 'PATCH', path: '/auth/people/:id', schema: wire.ChangePersonRequest },
  { method: 'POST', path: '/auth/people/:id/reset', schema: null },
  { method: 'DELETE', path: '/auth/people/:id/sessions', schema: null },
  { method: 'POST', path: '/auth/proof/storm', schema: null },
  { method: 'POST', path: '/api/notes', schema: notes.AddNoteRequest },
  { method: 'PATCH', path: '/api/notes/:id', schema: notes.ChangeNoteRequest },
]
const ADMINISTRATORS = /^\/auth\/(?:people|invites)/

interface Sent {
  call: number
  id: 'mine' | string
  type: string
  body: string | null
  boss: boolean
}

const JSON_TYPES = [
  'application/json',
  'application/json',
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=utf-16',
  'application/problem+json',
  'text/plain',
  'APPLICATION/JSON',
  'application/json,text/html',
  '',
]
const FORM_TYPES = [
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded;charset=x',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
]
const BROKEN = [
  '',
  '{',
  'null',
  '[]',
  '""',
  '0',
  '{"a":1}{',
  '\ufeff{}',
  '{"email":"a","email":"b"}',
  '['.repeat(3000),
  '{"a":'.repeat(3000),
  '{"\\ud800":1}',
  '"\\u0000"',
  '{"__proto__":{"admin":true}}',
  '--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na\r\n--x--\r\n',
  'a=%&b=%zz&=&&&',
  'email=a&email=b',
]

const known = {
  email: fc.constantFrom(
    'a@example.org',
    "o'brien@example.org",
    'a@xn--bcher-kva.example',
    ' A@EXAMPLE.ORG ',
    'a@b',
    '@',
    'a@b@c',
    `${'a'.repeat(250)}@b.c`,
  ),
  password: fc.constantFrom('quiet harbour lantern 42', 'x', 'Password123456!', 'p'.repeat(1024), 'é'.repeat(1025)),
  id: fc.uuid(),
  text: fc.constantFrom('a note', 'x'.repeat(2001)),
}

const input: fc.Arbitrary<Sent> = fc.nat(CALLS.length - 1).chain(call => {
  const { schema, form = false } = CALLS[call] ?? { schema: null }
  const objects = schema === null ? fc.constant<unknown>({}) : fromSchema(schema, known)
  const json = objects.map(object => JSON.stringify(object) ?? '')
  const fields = objects.map(object =>
    new URLSearchParams(
      Object.entries(object as object).map(([name, value]): [string, string] => [name, wellFormed(String(value))]),
    ).toString(),
  )
  return fc.record({
    call: fc.constant(call),
    id: fc.oneof(
      fc.constant('mine'),
      fc.constantFrom('x', '0', '-1', '%00', '%F0%9F%92%A9', 'x'.repeat(200), '..%2f'),
      fc.uuid(),
      hostileText().map(text => encodeURIComponent(wellFormed(text)) || 'x'),
    ),
    type: form
      ? fc.constantFrom(...JSON_TYPES, ...FORM_TYPES, ...FORM_TYPES)
      : fc.constantFrom(...JSON_TYPES, ...FORM_TYPES.slice(0, 1)),
    body: fc.oneof(
      { arbitrary: json, weight: 6 },
      { arbitrary: fields, weight: form ? 4 : 1 },
      { arbitrary: fc.constantFrom(...BROKEN), weight: 1 },
      { arbitrary: fc.constant(null), weight: 1 },
    ),
    boss: fc.boolean(),
  })
})

function wellFormed(text: string): string {
  return text.toWellFormed()
}

fuzz<Sent>('bodies', {
  input,
  batch: 10,
  async run({ call, id, type, body, boss }) {
    const { method, path } = CALLS[call] ?? { method: 'GET', path: '/' }
    if (scapegoat === null) throw new Error('nobody asks')
    // An administrator may do anything to the scapegoat, and nothing that would lead to anybody honest.
    const browser = boss && ADMINISTRATORS.test(path) ? ground.admin : scapegoat.browser
    const target = path.replace(':id', id === 'mine' ? scapegoat.id : id)
    const navigates = /form/.test(type)
    const answer = await browser.ask({
      method,
      path: target,
      ...(body === null ? {} : { body }),
      headers: {
        ...(type === '' ? {} : { 'content-type': type }),
        ...(navigates ? { accept: 'text/html', 'sec-fetch-mode': 'navigate' } : {}),
      },
    })
    judge(wireAnswer(answer), { relayed: target.startsWith('/api/') })
    ground.seen(answer.text)
    const { location } = answer.headers
    if (
      location !== undefined &&
      !target.startsWith('/api/') &&
      new URL(location, ground.server.origin).origin !== ground.server.origin
    )
      throw new Error(`${answer.status} leads away: ${location}`)
  },
  beside: batch => ground.beside(batch),
  async settle() {
    scapegoat?.browser.close()
    await ground.settle()
    await renew()
  },
})

endsWell(ground)
