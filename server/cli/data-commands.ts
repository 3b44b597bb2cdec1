import { resolve } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import { askServer } from '../ops/control-client.ts'
import { confirm } from './ask.ts'
import { command } from './command.ts'
import { commandLog, print } from './output.ts'
import { perform, readConfig } from './perform.ts'

export const backup = command({
  name: 'porchlight backup',
  description: 'Copy the database to a file, while the server goes on',
  args: {
    file: { type: 'positional', required: true, description: 'Where to: a file that does not exist yet' },
    'with-keys': {
      type: 'boolean',
      description:
        'Copy the keys too, to FILE.keys.json and, where they have a file of their own, FILE.signing-keys.json',
    },
  },
  async run(args) {
    const { file, keys, signingKeys } = await perform('backup', {
      file: resolve(args.file),
      withKeys: args['with-keys'] ?? false,
    })
    print(`The database was copied to ${file}.`)
    if (keys === null)
      print('The key file is not in it, and is needed to restore: keep a copy of it elsewhere, or add --with-keys.')
    else
      print(
        `The keys were copied to ${keys}${signingKeys === null ? '' : ` and ${signingKeys}`}.`,
        'Whoever has the database and the keys can read everything: keep them apart.',
      )
  },
})

export const restore = command({
  name: 'porchlight restore',
  description: "Put a backup in the database's place. Everybody is signed out; what was there is kept",
  args: {
    file: { type: 'positional', required: true, description: 'The backup' },
    anyway: { type: 'boolean', description: "Go on although the keys do not fit the backup's passwords" },
    yes: { type: 'boolean', description: 'Do not ask' },
  },
  async run(args) {
    const config = await readConfig()
    if ((await askServer(config.dataDir, 'status', {})) !== null) {
      throw new OperatorError('The server is running on this data folder.', [
        'Stop it first, restore, and start it again.',
      ])
    }
    if (!args.yes) await confirm('Everything since the backup will be gone, and everybody signed out.', '--yes')
    const { restore: restoreNow } = await import('../ops/restore-operation.ts')
    const { aside, ended } = await restoreNow(
      { config, clock: systemClock, log: commandLog },
      { file: resolve(args.file), anyway: args.anyway ?? false },
    )
    print('The backup is in place.', `Sessions ended: ${ended}. Every one-time link is void.`)
    if (aside !== null) print(`What was there before is kept: ${aside}`)
    print('Start the server: porchlight start')
  },
})
