import type { SigningSummary } from '../keys/signing.ts'
import type { SigningUse } from '../keys/signing-schedule.ts'
import { command, group } from './command.ts'
import { confirm } from './ask.ts'
import { print, printJson, printTable, shownTime } from './output.ts'
import { perform } from './perform.ts'

const USES: Record<SigningUse, string> = {
  published: 'published, signs later',
  signs: 'signs',
  verifies: 'verifies earlier tokens',
  retired: 'none, will be deleted within an hour',
}

const list = command({
  name: 'porchlight key list',
  description: 'List the keys, never their content',
  args: { json: { type: 'boolean', description: 'Print JSON, for scripts' } },
  async run(args) {
    const { keys, signing } = await perform('key.list', {})
    if (args.json) return printJson({ keys, signing })
    print('Root keys, which seal cookies and stored data:')
    printTable(
      ['ID', 'MADE', 'REPLACED', 'USE'],
      keys.map(key => [
        key.id,
        shownTime(key.createdAt),
        shownTime(key.replacedAt),
        key.replacedAt === null ? 'seals and opens' : 'opens',
      ]),
    )
    print('', 'Signing keys, with which upstreams verify tokens:')
    printTable(
      ['ID', 'ALGORITHM', 'MADE', 'SIGNS FROM', 'GONE FROM', 'USE'],
      signing.map(key => [
        key.id,
        key.alg,
        shownTime(key.createdAt),
        shownTime(key.signsAt),
        shownTime(key.retiresAt),
        USES[key.use],
      ]),
    )
  },
})

const rotate = command({
  name: 'porchlight key rotate',
  description: 'Create new keys. Nobody is signed out: old keys still open and verify until nothing needs them',
  args: {
    reseal: {
      type: 'boolean',
      description: 'Re-encrypt stored data with the new key now, instead of when the old key is retired',
    },
    compromised: {
      type: 'boolean',
      description: 'The keys have leaked: retire them at once, end every session, void every link',
    },
    yes: { type: 'boolean', description: 'Do not ask for confirmation' },
    json: { type: 'boolean', description: 'Print JSON, for scripts' },
  },
  async run(args) {
    const compromised = args.compromised ?? false
    if (compromised && !args.yes) await confirm('Everyone will be signed out, and every link will be void.', '--yes')
    const done = await perform('key.rotate', { reseal: args.reseal ?? false, compromised })
    if (args.json) return printJson(done)
    print(`The key ${done.newest.id} is now in use.`)
    print(signingLine(done.signing, compromised))
    if (done.resealed !== null) print(`Stored passwords re-encrypted: ${done.resealed}.`)
    if (done.unreadable > 0)
      print(`Stored passwords that no key can open: ${done.unreadable}. Create reset links for their owners.`)
    if (done.tokens !== null && done.tokens.resealed > 0)
      print(`Provider grants re-encrypted: ${done.tokens.resealed}.`)
    if (compromised)
      print(
        `Keys retired: ${done.retired}. Sessions ended: ${done.ended}. All signing keys were replaced.`,
        'Upstreams accept tokens of the old signing keys until they fetch the keys again; restart those that must not.',
        'Existing copies of the key file are useless now; make a new one.',
      )
    else print('Copy the key file to where you keep secrets: database backups do not include it.')
  },
})

function signingLine(created: SigningSummary | null, compromised: boolean): string {
  if (created === null)
    return 'The signing keys cannot be changed here and stay as they are: replace them where they are kept.'
  if (compromised) return `The key ${created.id} now signs upstream tokens.`
  return `The key ${created.id} is published now and signs upstream tokens from ${shownTime(created.signsAt)}.`
}

export const key = group('porchlight key', 'Keys that seal cookies and passwords, and sign upstream tokens', {
  list: async () => list,
  rotate: async () => rotate,
})
