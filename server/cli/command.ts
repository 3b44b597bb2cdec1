import { type ArgsDef, type CommandDef, defineCommand, type ParsedArgs, type SubCommandsDef } from 'citty'
import { Problem } from '../base/problem.ts'
import { OperatorError } from '../base/operator-error.ts'
import { nearest } from '../config/config-problems.ts'
import { printError } from './output.ts'

interface Definition<Args extends ArgsDef> {
  name: string
  description: string
  args: Args
  run: (args: ParsedArgs<Args>) => Promise<void>
}

/**
 * Defines a command. Unknown options are rejected, because a misspelt --compromised must not become a rotation that
 * retires nothing. Expected errors are printed without a stack, with exit code 1.
 */
export function command<const Args extends ArgsDef>({
  name,
  description,
  args,
  run,
}: Definition<Args>): CommandDef<Args> {
  return defineCommand({
    meta: { name, description },
    args,
    async run(context) {
      try {
        refuseUnknown(context.rawArgs, args)
        await run(context.args)
      } catch (error) {
        tell(error)
        process.exitCode = 1
      }
    },
  })
}

/** A command that only has subcommands. */
export function group(name: string, description: string, subCommands: SubCommandsDef): CommandDef {
  return defineCommand({ meta: { name, description }, subCommands })
}

export function tell(error: unknown): void {
  if (error instanceof OperatorError) return printError(error.lines)
  if (error instanceof Problem) {
    const { detail, fields = {} } = error.extras
    return printError([
      `${error.message}.`,
      ...(detail === undefined ? [] : [detail]),
      ...Object.entries(fields).map(([field, text]) => `  ${field}: ${text}`),
      ...(error.cause instanceof Error ? [`(${error.cause.message})`] : []),
    ])
  }
  printError([error instanceof Error ? (error.stack ?? error.message) : String(error)])
}

function refuseUnknown(rawArgs: readonly string[], args: ArgsDef): void {
  const options = Object.entries(args)
    .filter(([, arg]) => arg.type !== 'positional')
    .map(([option]) => option)
  const positionals = Object.keys(args).length - options.length
  let free = 0
  for (let at = 0; at < rawArgs.length; at++) {
    const raw = rawArgs[at] ?? ''
    if (raw === '--') return
    if (!raw.startsWith('-') || raw === '-') {
      free++
      if (free > positionals) throw new OperatorError(`Unexpected argument: ${raw}`, ['See --help.'])
      continue
    }
    const option = raw.replace(/^--?/, '').replace(/=.*$/s, '')
    if (!options.includes(option)) {
      const near = nearest(option, options)
      throw new OperatorError(
        `Unknown option: ${raw.replace(/=.*$/s, '')}`,
        near !== null
          ? [`Did you mean --${near}?`]
          : [
              'See --help.',
              ...(positionals > 0 ? ['Put an argument that begins with a dash, such as an id, after --'] : []),
            ],
      )
    }
    if (args[option]?.type === 'string' && !raw.includes('=')) at++
  }
}
