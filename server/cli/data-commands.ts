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
  description: 'Copy the database to a file while the server keeps running',
  args: {
    file: { type: 'positional', required: true, description: 'Target: a file that does not exist yet' },
    'with-keys': {
      type: 'boolean',
      description:
        'Also copy the keys, to FILE.keys.json and, if signing keys have their own file, FILE.signing-keys.json',
    },
  },
  async run(args) {
    const { file, keys, signingKeys } = await perform('backup', {
      file: resolve(args.file),
      withKeys: args['with-keys'] ?? false,
    })
    print(`The database was copied to ${file}.`)
    if (keys === null)
      print('It does not include the key file, which a restore needs: keep a copy elsewhere, or add --with-keys.')
    else
      print(
        `The keys were copied to ${keys}${signingKeys === null ? '' : ` and ${signingKeys}`}.`,
        'Anyone with both the database and the keys can read everything: keep them apart.',
      )
  },
})

export const restore = command({
  name: 'porchlight restore',
  description: 'Replace the database with a backup. Everyone is signed out; the previous database is kept',
  args: {
    file: { type: 'positional', required: true, description: 'The backup' },
    anyway: { type: 'boolean', description: "Continue even if the keys do not match the backup's passwords" },
    yes: { type: 'boolean', description: 'Do not ask for confirmation' },
  },
  async run(args) {
    const config = await readConfig()
    if ((await askServer(config.dataDir, 'status', {})) !== null) {
      throw new OperatorError('The server is running on this data folder.', [
        'Stop it first, restore, and start it again.',
      ])
    }
    if (!args.yes) await confirm('All changes since the backup will be lost, and everyone will be signed out.', '--yes')
    const { restore: restoreNow } = await import('../ops/restore-operation.ts')
    const { aside, ended } = await restoreNow(
      { config, clock: systemClock, log: commandLog },
      { file: resolve(args.file), anyway: args.anyway ?? false },
    )
    print('The backup is restored.', `Sessions ended: ${ended}. Every one-time link is void.`)
    if (aside !== null) print(`The previous database is kept: ${aside}`)
    print('Start the server: porchlight start')
  },
})
