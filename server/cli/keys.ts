import { command, group } from './command.ts'
import { confirm } from './ask.ts'
import { print, printJson, printTable, shownTime } from './output.ts'
import { perform } from './perform.ts'

const list = command({
  name: 'porchlight key list',
  description: 'Show the keys, never their content',
  args: { json: { type: 'boolean', description: 'Print JSON, for scripts' } },
  async run(args) {
    const { keys } = await perform('key.list', {})
    if (args.json) return printJson(keys)
    printTable(['ID', 'MADE', 'REPLACED', 'USE'], keys.map(key => [key.id, shownTime(key.createdAt), shownTime(key.replacedAt), key.replacedAt === null ? 'seals and opens' : 'opens']))
  },
})

const rotate = command({
  name: 'porchlight key rotate',
  description: 'Make a new key. Nobody is signed out: older keys open what they sealed until nothing can need them',
  args: {
    reseal: { type: 'boolean', description: 'Seal what is stored under the new key now, instead of when the old one is retired' },
    compromised: { type: 'boolean', description: 'Somebody else has the keys: retire them at once, end every session, void every link' },
    yes: { type: 'boolean', description: 'Do not ask' },
    json: { type: 'boolean', description: 'Print JSON, for scripts' },
  },
  async run(args) {
    const compromised = args.compromised ?? false
    if (compromised && !args.yes) await confirm('Everybody will be signed out, and every link will be void.', '--yes')
    const done = await perform('key.rotate', { reseal: args.reseal ?? false, compromised })
    if (args.json) return printJson(done)
    print(`The key ${done.newest.id} seals from now on.`)
    if (done.resealed !== null) print(`${done.resealed} stored passwords were sealed anew.`)
    if (done.unreadable > 0) print(`${done.unreadable} stored passwords cannot be opened by any key that is left: make reset links for their owners.`)
    if (compromised) print(`${done.retired} keys were retired and ${done.ended} sessions ended.`, 'Copies of the key file that you kept are worth nothing now; make a new one.')
    else print('Copy the key file to where you keep secrets: backups of the database leave it out.')
  },
})

export const key = group('porchlight key', 'The keys that seal cookies and passwords', { list: async () => list, rotate: async () => rotate })
