import { perform } from './perform.ts'
import { agree, askPassword } from './ask.ts'
import { command, group } from './command.ts'
import { plain, print, printJson, printTable, shownTime } from './output.ts'
import type { Role } from '../contract/wire.ts'

const email = { type: 'positional', required: true, description: 'Their e-mail address' } as const
const whom = { ...email, description: 'Their e-mail address, or the id of an account that has none' } as const
const json = { type: 'boolean', description: 'Print JSON, for scripts' } as const
const withPassword = {
  type: 'boolean',
  description: 'Prompt for a password (or read the first line of stdin) instead of creating a link',
} as const
const admin = { type: 'boolean', description: 'As an administrator' } as const

const rolesOf = (isAdmin: boolean | undefined): Role[] => (isAdmin === true ? ['admin', 'user'] : ['user'])
const printLink = (what: string, { href, endsAt }: { href: string; endsAt: number }) =>
  print(`${what} The link works once, until ${shownTime(endsAt)}:`, '', `  ${href}`)

export const setup = command({
  name: 'porchlight setup',
  description: 'Show the link for creating the first administrator',
  args: { json },
  async run(args) {
    const link = await perform('setup', {})
    if (args.json) printJson(link)
    else printLink('Open this to create the first administrator.', link)
  },
})

export const invite = command({
  name: 'porchlight invite',
  description: 'Create a one-time link for creating an account',
  args: {
    email: {
      ...email,
      required: false,
      description: 'The only address that may use it; by default, anyone with the link',
    },
    admin,
    send: { type: 'boolean', description: 'Mail the link to that address' },
    json,
  },
  async run(args) {
    const {
      invite: created,
      href,
      sent,
    } = await perform('invite', {
      email: args.email ?? null,
      roles: rolesOf(args.admin),
      send: args.send === true,
    })
    if (args.json) printJson({ invite: created, href, sent })
    else if (href === null) print(`The invitation is being mailed to ${plain(created.email ?? '')}.`)
    else
      printLink(
        created.email === null ? 'Send this to the person you invite.' : `Send this to ${plain(created.email)}.`,
        {
          href,
          endsAt: created.endsAt,
        },
      )
  },
})

const add = command({
  name: 'porchlight user add',
  description: 'Create an account, with a link for choosing a password',
  args: {
    email,
    name: { type: 'string', required: true, description: 'Their name, as others see it' },
    admin,
    yes: { type: 'boolean', description: 'Make the first account an administrator without asking' },
    'with-password': withPassword,
    json,
  },
  async run(args) {
    const password = args['with-password'] ? await askPassword() : null
    const person = { email: args.email, name: args.name, roles: rolesOf(args.admin), password }
    // Whoever says --admin knows.
    const isAgreed = args.admin === true || args.yes === true
    let { created } = await perform('user.add', { ...person, mayBeFirst: isAgreed })
    if (created === null) {
      await agree(`There are no accounts yet: ${plain(args.email)} will be an administrator. Continue?`, '--yes')
      ;({ created } = await perform('user.add', { ...person, mayBeFirst: true }))
    }
    if (created === null) throw new Error('the first account was not created')
    if (args.json) printJson(created)
    else if (created.link === null) print(`${plain(args.email)} can sign in now.`)
    else printLink(`${plain(args.email)} has an account. Send them this link to choose a password.`, created.link)
  },
})

const list = command({
  name: 'porchlight user list',
  description: 'List all accounts',
  args: { json },
  async run(args) {
    const { people } = await perform('user.list', {})
    if (args.json) return printJson(people)
    if (people.length === 0) return print('No accounts yet. Create the first: porchlight setup')
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
  description: 'Disable an account: its sessions end at once, and it cannot sign in',
  args: { email: whom },
  async run(args) {
    await perform('user.disable', { email: args.email })
    print(`${args.email} is disabled and signed out everywhere.`)
  },
})

const enable = command({
  name: 'porchlight user enable',
  description: 'Enable an account again',
  args: { email: whom },
  async run(args) {
    await perform('user.enable', { email: args.email })
    print(`${args.email} can sign in again.`)
  },
})

const resetPassword = command({
  name: 'porchlight user reset-password',
  description: 'Create a reset link; using it signs them out everywhere',
  args: { email: whom, 'with-password': withPassword, json },
  async run(args) {
    const password = args['with-password'] ? await askPassword() : null
    const { link } = await perform('user.reset-password', { email: args.email, password })
    if (args.json) printJson({ link })
    else if (link === null) print(`${args.email} has a new password and is signed out everywhere.`)
    else printLink(`Send this to ${args.email}.`, link)
  },
})

const resetFactors = command({
  name: 'porchlight user reset-factors',
  description:
    'Remove the authenticator app, passkeys and recovery codes of somebody who has lost them; they are told by mail',
  args: { email: whom },
  async run(args) {
    await perform('user.reset-factors', { email: args.email })
    print(`${args.email} has no second factor any more, and signs in with the password alone until they set one up.`)
  },
})

const link = command({
  name: 'porchlight user link',
  description: 'Link an account to a user of the API that checks passwords; signing in there then opens it',
  args: {
    email: whom,
    subject: {
      type: 'positional',
      required: true,
      description: 'Their user id at the API (tokenApi.fields.subject)',
    },
  },
  async run({ email: address, subject }) {
    const { by } = await perform('user.link', { email: address, subject })
    print(`Signing in at ${plain(by)} as ${plain(subject)} now opens the account of ${plain(address)}.`)
  },
})

export const user = group('porchlight user', 'People and their accounts', {
  add: async () => add,
  import: async () => (await import('./import-command.ts')).importPeople,
  list: async () => list,
  disable: async () => disable,
  enable: async () => enable,
  link: async () => link,
  'reset-password': async () => resetPassword,
  'reset-factors': async () => resetFactors,
})
