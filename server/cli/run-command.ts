import { stripVTControlCharacters } from 'node:util'
import { type CommandDef, runCommand } from 'citty'
import { nearest } from '../config/config-problems.ts'
import { print, printError } from './output.ts'
import { resolved, showUsage } from './usage.ts'

/**
 * Finds and runs the requested command. Invalid input is explained on stderr, with exit code 1; without a command, the
 * usage is printed.
 */
export async function run(program: CommandDef, rawArgs: readonly string[], version: string): Promise<void> {
  if (rawArgs.length === 1 && ['--version', '-v'].includes(rawArgs[0] ?? '')) return print(version)
  let command = program
  let rest = rawArgs
  let commands = await resolved(command.subCommands)
  while (commands !== undefined && Object.hasOwn(commands, rest[0] ?? '')) {
    command = (await resolved(commands[rest[0] ?? ''])) ?? command
    rest = rest.slice(1)
    commands = await resolved(command.subCommands)
  }
  if (rest.some(word => word === '--help' || word === '-h')) return showUsage(command)
  if (commands !== undefined) {
    const [unknown] = rest
    if (unknown === undefined) return showUsage(command)
    const { name = '' } = (await resolved(command.meta)) ?? {}
    const near = nearest(unknown, Object.keys(commands))
    return refuse(
      `Unknown command: ${name} ${unknown}.`,
      near === null ? `See ${name} --help.` : `Did you mean ${name} ${near}?`,
    )
  }
  try {
    await runCommand(command, { rawArgs: [...rest] })
  } catch (error) {
    // A missing argument or option, reported by citty in colours even if this is no terminal.
    if (!(error instanceof Error) || error.name !== 'CLIError') throw error
    await showUsage(command)
    refuse('', `${stripVTControlCharacters(error.message)}.`)
  }
}

function refuse(...lines: string[]): void {
  printError(lines)
  process.exitCode = 1
}
