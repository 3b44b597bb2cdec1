import * as v from 'valibot'
import { checkFields } from '../base/check-fields.ts'
import { randomId } from '../base/ids.ts'
import { OperatorError } from '../base/operator-error.ts'
import { LANGUAGES } from '../contract/languages.ts'
import { Role, SetupRequest } from '../contract/wire.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { linkByOperator } from '../login/operator-link.ts'
import { writeBackup } from './backup-operation.ts'
import { ImportInput, importPeople } from './import-people.ts'
import { judgeOutbox } from './judge-outbox.ts'
import { rotateKeys } from './key-operations.ts'
import type { OperationServices } from './operation-services.ts'

/** An operation for operators. Executed by the server if one is running, or else by the command line itself. */
interface Command<Input, Output> {
  input: v.GenericSchema<unknown, Input>
  run(services: OperationServices, input: Input): Promise<Output>
}

const command = <Input, Output>(
  input: v.GenericSchema<unknown, Input>,
  run: (services: OperationServices, input: Input) => Promise<Output>,
): Command<Input, Output> => ({ input, run })

const { email: Email, name: PersonName } = SetupRequest.entries
const Nothing = v.strictObject({})
const Whom = v.strictObject({ email: v.string() })

/** All operations, by name. */
export const COMMANDS = {
  status: command(Nothing, async ({ listening }) => ({
    pid: process.pid,
    startedSecondsAgo: Math.round(process.uptime()),
    listening,
  })),

  /** The answer is sent before the server ends. */
  'server.stop': command(v.strictObject({ until: v.number() }), async ({ handOver }, { until }) => {
    handOver.request(until)
    return { pid: process.pid }
  }),

  'doctor.begin': command(Nothing, async ({ frontCheck }) => frontCheck.begin()),
  'doctor.outbox': command(Nothing, async ({ config, store, clock }) =>
    config.mail === null ? [] : judgeOutbox(store.mails, clock.now().wall),
  ),
  'doctor.seen': command(Nothing, async ({ frontCheck }) => frontCheck.seen()),

  setup: command(Nothing, ({ people }) => people.registration.makeSetupLink()),

  'user.add': command(
    v.strictObject({
      email: Email,
      name: PersonName,
      roles: v.array(Role),
      password: v.nullable(v.string()),
      /** Whether it may be the first account, which is an administrator whatever `roles` says. */
      mayBeFirst: v.boolean(),
    }),
    async ({ people }, { password, mayBeFirst, ...person }) => {
      people.accounts.requireLocal('accounts')
      if (!mayBeFirst && !(await people.accounts.anybody())) return { created: null }
      // A random password that is never used: the link sets another one.
      const account = await people.accounts.create({ ...person, password: password ?? randomId(32) }, OPERATOR)
      const link = password === null ? await people.resets.makeLink(account.id, OPERATOR) : null
      return { created: { id: account.id, email: account.email, link } }
    },
  ),
  'user.import': command(ImportInput, importPeople),
  'user.list': command(Nothing, async ({ people }) => ({ people: await people.accounts.list() })),
  'user.disable': command(Whom, async (services, { email }) => {
    const { id } = await mustFind(services, email)
    await services.people.accounts.change(id, { disabled: true }, OPERATOR)
    return {}
  }),
  'user.enable': command(Whom, async (services, { email }) => {
    const { id } = await mustFind(services, email)
    await services.people.accounts.change(id, { disabled: false }, OPERATOR)
    return {}
  }),
  'user.reset-password': command(
    v.strictObject({ email: v.string(), password: v.nullable(v.string()) }),
    async (services, { email, password }) => {
      const { id } = await mustFind(services, email)
      if (password === null) return { link: await services.people.resets.makeLink(id, OPERATOR) }
      await services.people.accounts.setPassword(id, password, OPERATOR)
      return { link: null }
    },
  ),

  'user.reset-factors': command(Whom, async (services, { email }) => {
    const { id } = await mustFind(services, email)
    await services.people.factors.reset(id, OPERATOR)
    return {}
  }),

  'user.link': command(
    v.strictObject({ email: v.string(), subject: v.pipe(v.string(), v.minLength(1), v.maxLength(255)) }),
    async (services, { email, subject }) => {
      const { config, store, clock } = services
      const deps = { config, identities: store.identities, clock, find: () => mustFind(services, email) }
      return { by: await linkByOperator(deps, { subject, shownAs: email }) }
    },
  ),

  invite: command(
    v.strictObject({ email: v.nullable(Email), roles: v.array(Role), send: v.boolean() }),
    ({ people }, { send, ...invite }) => people.registration.invite(invite, OPERATOR, send ? LANGUAGES[0] : null),
  ),

  'session.list': command(Whom, async (services, { email }) => {
    const { id } = await mustFind(services, email)
    return { sessions: await services.sessions.list(id) }
  }),
  'session.end': command(v.strictObject({ id: v.string() }), async ({ sessions }, { id }) => {
    if (!(await sessions.end(id, { reason: 'admin', userId: null, byUserId: null })))
      throw new OperatorError(`No live session has the id ${id}.`)
    return { ended: 1 }
  }),
  'session.end-all': command(Whom, async (services, { email }) => {
    const { id } = await mustFind(services, email)
    return { ended: await services.sessions.endAll(id, { reason: 'admin', except: null, byUserId: null }) }
  }),

  'key.list': command(Nothing, async ({ keys, signing, clock }) => ({
    keys: keys.list(),
    signing: signing.list(clock.now().wall),
  })),
  'key.rotate': command(v.strictObject({ reseal: v.boolean(), compromised: v.boolean() }), rotateKeys),

  backup: command(v.strictObject({ file: v.string(), withKeys: v.boolean() }), writeBackup),
} as const

export type CommandName = keyof typeof COMMANDS
export type CommandInput<Name extends CommandName> = v.InferOutput<(typeof COMMANDS)[Name]['input']>
export type CommandOutput<Name extends CommandName> = Awaited<ReturnType<(typeof COMMANDS)[Name]['run']>>

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name)
}

/**
 * Validates the input and executes the command.
 * @throws Problem, OperatorError
 */
export async function runCommand(services: OperationServices, name: CommandName, input: unknown): Promise<unknown> {
  const { input: schema, run } = COMMANDS[name] as Command<unknown, unknown>
  return run(services, checkFields(schema, input, 'input'))
}

async function mustFind({ people }: OperationServices, email: string) {
  // An account created by a provider may have no address; it is then identified by its id, which contains no @.
  const account = await (email.includes('@') ? people.accounts.findByEmail(email) : people.accounts.find(email))
  if (account === null)
    throw new OperatorError(`No account has the e-mail address ${email}.`, ['List the accounts: porchlight user list'])
  return account
}
