import { systemClock } from '../base/clock.ts'
import { noMeter } from '../base/meter.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/types.ts'
import type { CommandInput, CommandName, CommandOutput } from '../ops/commands.ts'
import { askServer } from '../ops/control-client.ts'
import { commandLog } from './output.ts'

export async function readConfig(): Promise<Config> {
  return (await loadConfig(process.env, process.cwd())).config
}

/** Lets the running server do it, so that nothing in its memory goes stale; does it here when there is none.
 * @throws Problem, Refusal */
export async function perform<Name extends CommandName>(name: Name, input: CommandInput<Name>): Promise<CommandOutput<Name>> {
  const config = await readConfig()
  const answered = await askServer(config.dataDir, name, input)
  if (answered !== null) return answered.output
  const { compose } = await import('../compose.ts')
  const { runCommand } = await import('../ops/commands.ts')
  const rooms = await compose({ config, clock: systemClock, log: commandLog, meter: noMeter, what: `porchlight ${name.replace('.', ' ')}` })
  try {
    return await runCommand(rooms, name, input) as CommandOutput<Name>
  }
  finally {
    await rooms.close()
  }
}
