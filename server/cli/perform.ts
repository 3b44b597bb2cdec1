import { systemClock } from '../base/clock.ts'
import { noMeter } from '../base/meter.ts'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig, type SettingReport } from '../config/load-config.ts'
import type { Config } from '../config/types.ts'
import type { Services } from '../bootstrap/services.ts'
import type { CommandInput, CommandName, CommandOutput, runCommand as RunCommand } from '../ops/commands.ts'
import { LOCK_WAIT_MS } from '../ops/data-dir-lock.ts'
import { askServer } from '../ops/control-client.ts'
import { databaseExists, databaseFile } from '../store/sqlite/files.ts'
import { commandLog, printError } from './output.ts'

export async function readConfig(): Promise<Config> {
  return (await loadConfig(process.env, process.cwd())).config
}

/**
 * Guards against a common mistake: a command without the service's settings, which would create an installation of its
 * own.
 * @throws OperatorError if no setting names the data folder
 */
function tellOfNewFolder(dataDir: string, report: readonly SettingReport[]): void {
  if (report.some(({ key, from }) => key === 'dataDir' && from !== 'default'))
    return printError([`No database in ${dataDir}; creating a new one.`])
  throw new OperatorError(`There is no database in ${dataDir}, and no server is running there.`, [
    'If the server runs as a service, run this command as the same user with the same settings: PORCHLIGHT_DATA_DIR, or PORCHLIGHT_CONFIG.',
    'For a new installation, start the server first (porchlight start), or set the folder: PORCHLIGHT_DATA_DIR=data',
  ])
}

/** Executes commands until it is closed. */
export interface Operations {
  /** @throws Problem, OperatorError */
  perform<Name extends CommandName>(name: Name, input: CommandInput<Name>): Promise<CommandOutput<Name>>
  close(): Promise<void>
}

/**
 * Executes commands in the running server, so that nothing in its memory goes stale, or here if there is none: the data
 * folder is then open until the end.
 */
export async function openOperations(): Promise<Operations> {
  const { config, report } = await loadConfig(process.env, process.cwd())
  let opened: { services: Services; runCommand: typeof RunCommand } | null = null

  async function open(what: string) {
    if (!databaseExists(databaseFile(config.dataDir))) tellOfNewFolder(config.dataDir, report)
    const { buildServices } = await import('../bootstrap/services.ts')
    const { runCommand } = await import('../ops/commands.ts')
    const services = await buildServices({
      config,
      clock: systemClock,
      log: commandLog,
      meter: noMeter,
      tracing: null,
      what,
      waitMs: LOCK_WAIT_MS,
    })
    return { services, runCommand }
  }

  return {
    async perform<Name extends CommandName>(name: Name, input: CommandInput<Name>): Promise<CommandOutput<Name>> {
      const answered = opened === null ? await askServer(config.dataDir, name, input) : null
      if (answered !== null) return answered.output
      opened ??= await open(`porchlight ${name.replace('.', ' ')}`)
      return (await opened.runCommand(opened.services, name, input)) as CommandOutput<Name>
    },
    close: async () => opened?.services.close(),
  }
}

/**
 * Executes one command.
 * @throws Problem, OperatorError
 */
export async function perform<Name extends CommandName>(
  name: Name,
  input: CommandInput<Name>,
): Promise<CommandOutput<Name>> {
  const operations = await openOperations()
  try {
    return await operations.perform(name, input)
  } finally {
    await operations.close()
  }
}
