import type { SigningSummary } from '../keys/signing.ts'
import type { SigningUse } from '../keys/signing-schedule.ts'
import { command, group } from './command.ts'
import { confirm } from './ask.ts'
import { print, printJson, printTable, shownTime } from './output.ts'
import { perform } from './perform.ts'

const USES: Record<SigningUse, string> = {
  published: 'published, signs later',
  signs: 'signs',
  verifies: 'verifies what it signed',
  retired: 'none, is deleted within the hour',
}

const list = command({
  name: 'porchlight key list',
  description: 'Show the keys, never their content',
  args: { json: { type: 'boolean', description: 'Print JSON, for scripts' } },
  async run(args) {
    const { keys, signing } = await perform('key.list', {})
    if (args.json) return printJson({ keys, signing })
    print('Root keys, which seal cookies and what is stored:')
    printTable(
      ['ID', 'MADE', 'REPLACED', 'USE'],
      keys.map(key => [
        key.id,
        shownTime(key.createdAt),
        shownTime(key.replacedAt),
        key.replacedAt === null ? 'seals and opens' : 'opens',
      ]),
    )
    print('', 'Signing keys, which upstreams verify tokens with:')
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
  description:
    'Make new keys. Nobody is signed out: older keys open what they sealed, and verify what they signed, until nothing can need them',
  args: {
    reseal: {
      type: 'boolean',
      description: 'Seal what is stored under the new key now, instead of when the old one is retired',
    },
    compromised: {
      type: 'boolean',
      description: 'Somebody else has the keys: retire them at once, end every session, void every link',
    },
    yes: { type: 'boolean', description: 'Do not ask' },
    json: { type: 'boolean', description: 'Print JSON, for scripts' },
  },
  async run(args) {
    const compromised = args.compromised ?? false
    if (compromised && !args.yes) await confirm('Everybody will be signed out, and every link will be void.', '--yes')
    const done = await perform('key.rotate', { reseal: args.reseal ?? false, compromised })
    if (args.json) return printJson(done)
    print(`The key ${done.newest.id} seals from now on.`)
    print(signingLine(done.signing, compromised))
    if (done.resealed !== null) print(`Stored passwords sealed anew: ${done.resealed}.`)
    if (done.unreadable > 0)
      print(`Stored passwords that no key opens any more: ${done.unreadable}. Make reset links for their owners.`)
    if (done.tokens !== null && done.tokens.resealed > 0)
      print(`Grants by providers whose tokens were sealed anew: ${done.tokens.resealed}.`)
    if (compromised)
      print(
        `Keys retired: ${done.retired}. Sessions ended: ${done.ended}. All signing keys were replaced.`,
        'Upstreams take tokens of the old signing keys until they fetch the keys again: restart those that must not.',
        'Copies of the key file that you kept are worth nothing now; make a new one.',
      )
    else print('Copy the key file to where you keep secrets: backups of the database leave it out.')
  },
})

function signingLine(made: SigningSummary | null, compromised: boolean): string {
  if (made === null)
    return 'The signing keys cannot be changed from here and stay as they are: replace them where you keep them.'
  if (compromised) return `The key ${made.id} signs upstreams' tokens from now on.`
  return `The key ${made.id} is published now and signs upstreams' tokens from ${shownTime(made.signsAt)}.`
}

export const key = group('porchlight key', "The keys that seal cookies and passwords, and sign upstreams' tokens", {
  list: async () => list,
  rotate: async () => rotate,
})
