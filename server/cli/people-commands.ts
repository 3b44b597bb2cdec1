import { perform } from './perform.ts'
import { askPassword } from './ask.ts'
import { command, group } from './command.ts'
import { plain, print, printJson, printTable, shownTime } from './output.ts'
import type { Role } from '../contract/wire.ts'

const email = { type: 'positional', required: true, description: 'Their e-mail address' } as const
const whom = { ...email, description: 'Their e-mail address, or the id of an account that has none' } as const
const json = { type: 'boolean', description: 'Print JSON, for scripts' } as const
const withPassword = {
  type: 'boolean',
  description: 'Ask for a password (on the terminal, or the first line of stdin) instead of making a link',
} as const
const admin = { type: 'boolean', description: 'As an administrator' } as const

const rolesOf = (isAdmin: boolean | undefined): Role[] => (isAdmin === true ? ['admin', 'user'] : ['user'])
const printLink = (what: string, { href, endsAt }: { href: string; endsAt: number }) =>
  print(`${what} The link works once, until ${shownTime(endsAt)}:`, '', `  ${href}`)

export const setup = command({
  name: 'porchlight setup',
  description: 'Show the link by which the first administrator is made',
  args: { json },
  async run(args) {
    const link = await perform('setup', {})
    if (args.json) printJson(link)
    else printLink('Open this to make yourself the first administrator.', link)
  },
})

export const invite = command({
  name: 'porchlight invite',
  description: 'Make a one-time link by which somebody makes their account',
  args: {
    email: {
      ...email,
      required: false,
      description: 'The only address that may use it; without one, whoever has the link',
    },
    admin,
    json,
  },
  async run(args) {
    const { invite: made, href } = await perform('invite', { email: args.email ?? null, roles: rolesOf(args.admin) })
    if (args.json) printJson({ invite: made, href })
    else
      printLink(made.email === null ? 'Give this to whom you invite.' : `Give this to ${plain(made.email)}.`, {
        href,
        endsAt: made.endsAt,
      })
  },
})

const add = command({
  name: 'porchlight user add',
  description: 'Make an account, with a link to choose a password by',
  args: {
    email,
    name: { type: 'string', required: true, description: 'Their name, as others see it' },
    admin,
    'with-password': withPassword,
    json,
  },
  async run(args) {
    const password = args['with-password'] ? await askPassword() : null
    const made = await perform('user.add', { email: args.email, name: args.name, roles: rolesOf(args.admin), password })
    if (args.json) printJson(made)
    else if (made.link === null) print(`${plain(args.email)} can sign in now.`)
    else printLink(`${plain(args.email)} has an account. Give them this to choose a password.`, made.link)
  },
})

const list = command({
  name: 'porchlight user list',
  description: 'Show everybody who has an account',
  args: { json },
  async run(args) {
    const { people } = await perform('user.list', {})
    if (args.json) return printJson(people)
    if (people.length === 0) return print('Nobody has an account yet. Make the first: porchlight setup')
    printTable(
      ['E-MAIL', 'NAME', 'ROLES', 'STATE', 'SESSIONS', 'LAST SEEN'],
      people.map(person => [
        plain(person.email ?? person.id),
        plain(person.name),
        person.roles.join(','),
        person.disabledAt === null ? 'active' : 'disabled',
        String(person.sessions),
        shownTime(person.lastSeenAt),
      ]),
    )
  },
})

const disable = command({
  name: 'porchlight user disable',
  description: 'Keep somebody out: every session ends at once, and they cannot sign in',
  args: { email: whom },
  async run(args) {
    await perform('user.disable', { email: args.email })
    print(`${args.email} is disabled and signed out everywhere.`)
  },
})

const enable = command({
  name: 'porchlight user enable',
  description: 'Let somebody in again',
  args: { email: whom },
  async run(args) {
    await perform('user.enable', { email: args.email })
    print(`${args.email} can sign in again.`)
  },
})

const resetPassword = command({
  name: 'porchlight user reset-password',
  description: 'Make a link to choose a new password by; using it signs them out everywhere',
  args: { email: whom, 'with-password': withPassword, json },
  async run(args) {
    const password = args['with-password'] ? await askPassword() : null
    const { link } = await perform('user.reset-password', { email: args.email, password })
    if (args.json) printJson({ link })
    else if (link === null) print(`${args.email} has a new password and is signed out everywhere.`)
    else printLink(`Give this to ${args.email}.`, link)
  },
})

const link = command({
  name: 'porchlight user link',
  description:
    'Say who somebody is at the API that keeps the passwords: signing in there then opens their account here',
  args: {
    email: whom,
    subject: {
      type: 'positional',
      required: true,
      description: 'What the API calls them: the field that tokenApi.fields.subject names',
    },
  },
  async run({ email: address, subject }) {
    const { by } = await perform('user.link', { email: address, subject })
    print(`Whoever signs in at ${plain(by)} as ${plain(subject)} opens the account of ${plain(address)}.`)
  },
})

export const user = group('porchlight user', 'People and their accounts', {
  add: async () => add,
  list: async () => list,
  disable: async () => disable,
  enable: async () => enable,
  link: async () => link,
  'reset-password': async () => resetPassword,
})
