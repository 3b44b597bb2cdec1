import { OperatorError } from '../base/operator-error.ts'
import { command, group } from './command.ts'
import { plain, print, printJson, printTable, shownTime } from './output.ts'
import { perform } from './perform.ts'

const list = command({
  name: 'porchlight session list',
  description: 'List the sessions of an account',
  args: {
    email: {
      type: 'positional',
      required: true,
      description: 'Their e-mail address, or the id of an account that has none',
    },
    json: { type: 'boolean', description: 'Print JSON, for scripts' },
  },
  async run(args) {
    const { sessions } = await perform('session.list', { email: args.email })
    if (args.json) return printJson(sessions)
    if (sessions.length === 0) return print(`${args.email} is not signed in anywhere.`)
    printTable(
      ['ID', 'SINCE', 'LAST SEEN', 'ENDS', 'FROM', 'BROWSER'],
      sessions.map(item => [
        item.publicId,
        shownTime(item.createdAt),
        shownTime(item.lastSeenAt),
        shownTime(Math.min(item.idleEndsAt, item.absoluteEndsAt)),
        plain(item.network),
        plain(item.userAgent).slice(0, 60),
      ]),
    )
  },
})

const end = command({
  name: 'porchlight session end',
  description: 'End a session, or all sessions of an account, at once',
  args: {
    id: { type: 'positional', required: false, description: "The session's id, from session list" },
    of: {
      type: 'string',
      valueHint: 'email',
      description: 'End all sessions of the account with this e-mail address or id',
    },
  },
  async run(args) {
    if ((args.id === undefined) === (args.of === undefined))
      throw new OperatorError("Name a session's id, or use --of with an e-mail address.")
    const { ended } =
      args.of === undefined
        ? await perform('session.end', { id: args.id ?? '' })
        : await perform('session.end-all', { email: args.of })
    print(ended === 1 ? 'One session was ended.' : `${ended} sessions were ended.`)
  },
})

export const session = group('porchlight session', 'Who is signed in where', {
  list: async () => list,
  end: async () => end,
})
